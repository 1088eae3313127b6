"""What the tests of auth_jwt share: real keys, tokens, a clock to move, and a key set server."""

from __future__ import annotations

import base64
import contextlib
import functools
import gzip
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.abc
import jwt
import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x25519
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from prometheus_client import CollectorRegistry

from gatewright import Handshake, PluginContext

SECRET = "correct horse battery staple, and a good deal longer than sixty-four bytes"


@functools.cache
def private_key(name: str) -> Any:
    """Make a key once per test process: ``RSA``, ``RSA-other``, ``RSA-1024``, or an algorithm's."""
    if name.startswith("RSA"):
        bits = 1024 if name == "RSA-1024" else 2048
        return rsa.generate_private_key(public_exponent=65_537, key_size=bits)
    makers: Mapping[str, Callable[[], Any]] = {
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ES256K": lambda: ec.generate_private_key(ec.SECP256K1()),
        "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
        "P-192": lambda: ec.generate_private_key(ec.SECP192R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
        "X25519": x25519.X25519PrivateKey.generate,
        "Ed448": ed448.Ed448PrivateKey.generate,
    }
    return makers[name]()


def public_pem(name: str) -> str:
    return (
        private_key(name)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def private_pem(name: str) -> str:
    return (
        private_key(name)
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


def public_jwk(name: str, **members: Any) -> dict[str, Any]:
    key = private_key(name).public_key()
    maker: Any = OKPAlgorithm
    if isinstance(key, rsa.RSAPublicKey):
        maker = RSAAlgorithm
    elif isinstance(key, ec.EllipticCurvePublicKey):
        maker = ECAlgorithm
    return {**maker.to_jwk(key, as_dict=True), **members}


def good_claims(**changes: Any) -> dict[str, Any]:
    """Claims that are accepted; a change to ``...`` leaves one out."""
    claims = {"user_id": "42", "exp": int(time.time()) + 3600, **changes}
    return {name: value for name, value in claims.items() if value is not ...}


def token(key: Any = "RSA", algorithm: str = "RS256", header: Any = None, **claims: Any) -> str:
    """Sign a token with a key by its name, or with a secret."""
    named = SECRET if algorithm.startswith("HS") else key
    signer = private_key(key) if named is key else named
    return jwt.encode(good_claims(**claims), signer, algorithm=algorithm, headers=header)


def encoded(part: Any) -> str:
    """Encode one part of a hand-made token."""
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Return what a coroutine returns that never gives way to the loop."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise AssertionError(coroutine)


def bearer(value: str) -> Handshake:
    return Handshake(path="/ws", query={}, headers={"authorization": f"Bearer {value}"})


@dataclass
class MovableClock:
    """A clock that stands still until it is moved; of the time of day it says what it is told."""

    now: float = 1000.0
    today: float | None = None

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return time.time() if self.today is None else self.today


@dataclass
class Logged:
    """A logger, and what was said to it."""

    capture: structlog.testing.LogCapture = field(default_factory=structlog.testing.LogCapture)

    @property
    def logger(self) -> Any:
        return structlog.wrap_logger(
            None,
            processors=[self.capture],
            wrapper_class=structlog.make_filtering_bound_logger(0),
        ).bind(plugin="jwt")

    @property
    def entries(self) -> list[Any]:
        return list(self.capture.entries)

    def events(self, level: str) -> list[str]:
        return [entry["event"] for entry in self.entries if entry["log_level"] == level]


def make_context(logged: Logged | None = None, clock: Any = None) -> PluginContext:
    return PluginContext(
        name="jwt",
        log=(logged or Logged()).logger,
        metrics=CollectorRegistry(),
        node_id="test",
        spawn=lambda *_: None,
        clock=clock or MovableClock(),
    )


Script = Callable[[anyio.abc.SocketStream], Any]


class KeyServer:
    """A real HTTP server on loopback that answers by a script and counts requests."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.asked = anyio.Event()
        self.port = 0
        self.path = "/keys"
        self.answer: Script = answer({"keys": []})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}"

    def serve(self, *keys: Mapping[str, Any]) -> None:
        """Answer with a key set."""
        self.answer = answer({"keys": list(keys)})

    async def handle(self, stream: anyio.abc.SocketStream) -> None:
        async with stream:
            with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                self.requests.append(await _head(stream))
                self.asked.set()
                await self.answer(stream)


async def _head(stream: anyio.abc.SocketStream) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        head += await stream.receive()
    return head


def answer(document: Any, status: int = 200, **headers: str) -> Script:
    """Answer whole: with bytes as they are, with anything else as JSON."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    fields = {"Content-Length": str(len(body)), "Connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())

    async def send(stream: anyio.abc.SocketStream) -> None:
        await stream.send(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body)

    return send


def compressed(document: Any) -> Script:
    return answer(gzip.compress(json.dumps(document).encode()), Content_Encoding="gzip")


def drip(prefix: bytes) -> Script:
    """Send a beginning, then one byte now and then, for ever."""

    async def send(stream: anyio.abc.SocketStream) -> None:
        await stream.send(prefix)
        while True:
            await stream.send(b" ")
            await anyio.sleep(0.05)

    return send


def held(release: anyio.Event, then: Script) -> Script:
    """Answer only once ``release`` is set."""

    async def send(stream: anyio.abc.SocketStream) -> None:
        await release.wait()
        await then(stream)

    return send


def endless() -> Script:
    """Send a body without an end, as fast as it is read."""

    async def send(stream: anyio.abc.SocketStream) -> None:
        await stream.send(b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n")
        while True:
            await stream.send(b" " * 65_536)

    return send


def port_of(listener: Any) -> int:
    (first, *_) = listener.listeners
    return int(first.extra_attributes[anyio.abc.SocketAttribute.local_port]())


@contextlib.asynccontextmanager
async def key_server() -> AsyncIterator[KeyServer]:
    server = KeyServer()
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    server.port = port_of(listener)
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, server.handle)
        yield server
        group.cancel_scope.cancel()
