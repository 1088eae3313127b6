"""The servers that are measured: what they are started with, and where they are reached."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bench.prepared import USER

__all__ = ["API_KEY", "TARGETS", "Recipe"]

API_KEY: Final = "bench-key"
USERS: Final = 64
"""Users whose tokens the handshakes take in turn."""

_HOUR: Final = 3600


@dataclass(frozen=True)
class Recipe:
    """How one server is started and spoken to.

    Attributes:
        command: Program and arguments.
        port: Where it accepts WebSockets.
        publish_port: Where it takes publications over HTTP.
        publish_path: The path for that.
        publish_headers: What a publication needs beside the usual fields.
        websockets: Paths with queries that clients open in turn.
        ready_path: What answers 200 when it is ready; without one, a port that accepts is enough.
        metrics_path: Where it counts what it had to drop, if anywhere.
    """

    command: Sequence[str]
    port: int
    publish_port: int
    publish_path: str = "/publish"
    publish_headers: dict[str, str] = field(default_factory=dict)
    websockets: Sequence[str] = ("/",)
    ready_path: str | None = None
    metrics_path: str | None = None


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


_ANONYMOUS: Final = "anonymous: {}"

_CONFIGURATION: Final = """\
server:
  bind: 127.0.0.1:{port}
  socket_driver: {driver}
auth:
  {auth}
transports:
  http: {{api_keys: [{key}]}}
events:
  none: {{}}
rate_limit:
  token_bucket: {{per_second: 0}}
logging: {{level: warning}}
"""


def _gateway_with(folder: Path, auth: str, websockets: Sequence[str], driver: str) -> Recipe:
    port = _free_port()
    path = folder / "gateway.yaml"
    text = _CONFIGURATION.format(port=port, auth=auth, key=API_KEY, driver=driver)
    path.write_text(text, encoding="utf-8")
    return Recipe(
        command=[str(Path(sys.executable).with_name("gatewright")), "serve", "-c", str(path)],
        port=port,
        publish_port=port,
        publish_path="/internal/publish",
        publish_headers={"X-Api-Key": API_KEY},
        websockets=websockets,
        ready_path="/ready",
        metrics_path="/metrics",
    )


def _gateway(folder: Path) -> Recipe:
    return _gateway_with(folder, _ANONYMOUS, [f"/ws?user={USER}"], "auto")


def _gateway_asgi(folder: Path) -> Recipe:
    return _gateway_with(folder, _ANONYMOUS, [f"/ws?user={USER}"], "asgi")


def _gateway_jwt(folder: Path) -> Recipe:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (folder / "public.pem").write_bytes(public)
    expiry = int(time.time()) + _HOUR
    tokens = [
        jwt.encode({"user_id": str(user), "exp": expiry}, key, algorithm="RS256")
        for user in range(USERS)
    ]
    auth = f"jwt: {{algorithms: [RS256], public_key_file: {folder / 'public.pem'}}}"
    return _gateway_with(folder, auth, [f"/ws?token={token}" for token in tokens], "auto")


def _hypercorn(_folder: Path) -> Recipe:
    port = _free_port()
    command = [sys.executable, "-m", "bench.servers.hypercorn_broadcast", str(port)]
    return Recipe(command, port, port)


def _websockets(_folder: Path) -> Recipe:
    port, publish_port = _free_port(), _free_port()
    module = "bench.servers.websockets_broadcast"
    command = [sys.executable, "-m", module, str(port), str(publish_port)]
    return Recipe(command, port, publish_port)


TARGETS: Final[dict[str, Callable[[Path], Recipe]]] = {
    "gateway": _gateway,
    "gateway-asgi": _gateway_asgi,
    "gateway-jwt": _gateway_jwt,
    "hypercorn": _hypercorn,
    "websockets": _websockets,
}
"""Every server by its name in the tables; the function writes what it needs into a folder."""
