"""The gateway itself: started as everybody starts it, with as little else as can be."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import ValidationError

from bench.prepared import USER, users
from bench.recipe import Recipe
from gatewright.config.settings import ServerSettings
from gatewright.testing.ports import free_port

__all__ = ["anonymous", "for_listeners", "missing_driver", "user_each", "with_tokens"]

API_KEY: Final = "bench-key"
USERS: Final = 64
"""Users whose tokens the handshakes take in turn."""

MANY_USERS: Final = 3000
"""As many have a token of their own where every client is to be somebody else."""

PER_SECOND: Final = 10
"""Messages of a client, where that is limited; what the default is, too."""

_HOUR: Final = 3600
_ANONYMOUS: Final = "anonymous: {}"

_CONFIGURATION: Final = """\
server:
  bind: 127.0.0.1:{port}
  socket_driver: {driver}
auth:
  {auth}
transports:
  http: {{api_keys: [{key}]}}
presence:
  memory: {{}}
events:
  none: {{}}
rate_limit:
  token_bucket: {{per_second: {per_second}}}
logging: {{level: warning}}
"""


def missing_driver(driver: str) -> str | None:
    """Return why the gateway cannot be started with this socket driver; None where it can."""
    try:
        ServerSettings.model_validate({"bind": "127.0.0.1:0", "socket_driver": driver})
    except ValidationError:
        return f"this gateway has no socket driver {driver!r}"
    return None


def anonymous(folder: Path, driver: str) -> Recipe:
    """Return a gateway that believes whatever user a client says it is."""
    user_path = "/ws?user={user}"
    websockets = [user_path.format(user=USER)]
    return _started(folder, _ANONYMOUS, websockets, driver, user_path=user_path)


def with_tokens(folder: Path, driver: str, *, cached: bool = True) -> Recipe:
    """Return a gateway that takes RS256 tokens, of `USERS` users.

    Args:
        folder: For its files.
        driver: How sockets are carried.
        cached: Whether tokens that were checked before are not checked again.
    """
    return _token_recipe(folder, driver, [str(user) for user in range(USERS)], cached=cached)


def user_each(folder: Path, driver: str) -> Recipe:
    """Return the same gateway for clients who are each another user, and whom it limits."""
    return _token_recipe(folder, driver, users(MANY_USERS), per_second=PER_SECOND)


def for_listeners(folder: Path, *, cached: bool) -> Recipe:
    """Return the same gateway for clients who are all the one user of publications first."""
    names = [USER, *(str(user) for user in range(USERS))]
    return _token_recipe(folder, "auto", names, cached=cached)


def _token_recipe(
    folder: Path,
    driver: str,
    names: Sequence[str],
    *,
    cached: bool = True,
    per_second: float = 0,
) -> Recipe:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (folder / "public.pem").write_bytes(public)
    expiry = int(time.time()) + _HOUR
    tokens = [
        jwt.encode({"user_id": user, "exp": expiry}, key, algorithm="RS256") for user in names
    ]
    options = f"algorithms: [RS256], public_key_file: {folder / 'public.pem'}"
    if not cached:
        options += ", cache_tokens: 0"
    websockets = [f"/ws?token={token}" for token in tokens]
    return _started(folder, f"jwt: {{{options}}}", websockets, driver, per_second=per_second)


def _started(
    folder: Path,
    auth: str,
    websockets: Sequence[str],
    driver: str,
    *,
    user_path: str | None = None,
    per_second: float = 0,
) -> Recipe:
    port = free_port()
    path = folder / "gateway.yaml"
    text = _CONFIGURATION.format(
        port=port, auth=auth, key=API_KEY, driver=driver, per_second=per_second
    )
    path.write_text(text, encoding="utf-8")
    return Recipe(
        command=[str(Path(sys.executable).with_name("gatewright")), "serve", "-c", str(path)],
        port=port,
        publish_port=port,
        publish_path="/internal/publish",
        publish_headers={"X-Api-Key": API_KEY},
        websockets=websockets,
        user_path=user_path,
        ready_path="/ready",
        metrics_path="/metrics",
    )
