"""Whether the direct driver works with the hypercorn that is installed."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import Final

from gatewright.clock import SystemClock
from gatewright.config.settings import LimitSettings
from gatewright.server.app import GatewayApp
from gatewright.server.asgi import Receive, Send
from gatewright.server.binding import bind
from gatewright.server.drivers.asgi import AsgiDriver
from gatewright.server.drivers.choice import NotUsable
from gatewright.server.drivers.direct import DirectDriver
from gatewright.server.drivers.direct_socket import Terms
from gatewright.server.drivers.door import Door
from gatewright.server.drivers.echo import EchoApp
from gatewright.server.hypercorn.runner import Listener, hypercorn_config, serving
from gatewright.server.keepalive import Keepalive
from gatewright.server.routes import http_app
from gatewright.wheel import TimerWheel

__all__ = ["TESTED_HYPERCORN", "try_direct"]

TESTED_HYPERCORN: Final = ("0.18",)
"""Versions whose insides are known, by their first two numbers."""

SECONDS: Final = 3.0
_BYTES: Final = 1024
_MASK: Final = b"\x01\x02\x03\x04"
_REQUEST: Final = (
    b"GET / HTTP/1.1\r\nHost: self.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_ACCEPT: Final = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # for that key, by RFC 6455, section 1.3


class _NotTaken(Exception):
    """A handshake of ours could not be taken over."""


async def try_direct() -> None:
    """Echo one message over loopback through hypercorn and the direct driver.

    Raises:
        NotUsable: That did not work.
    """
    installed = version("hypercorn")
    if not installed.startswith(tuple(f"{known}." for known in TESTED_HYPERCORN)):
        message = f"hypercorn {installed} is not known, only {', '.join(TESTED_HYPERCORN)}"
        raise NotUsable(message)
    try:
        async with asyncio.timeout(SECONDS):
            await _echo_once()
    except (OSError, EOFError, _NotTaken, AssertionError) as error:  # TimeoutError is an OSError
        message = f"its self-test failed with {type(error).__name__}"
        raise NotUsable(message) from None


async def _echo_once() -> None:
    keepalive = Keepalive(TimerWheel(SystemClock()), interval=0, timeout=1)
    asgi = AsgiDriver(_BYTES, keepalive, _nothing, _released)
    direct = DirectDriver(Terms(_BYTES, _BYTES, keepalive, _nothing, _nothing, _released))

    def door(receive: Receive, send: Send) -> Door:
        if (found := direct.door(send, asgi.door(receive, send))) is None:
            raise _NotTaken
        return found

    bound = bind("the self-test", "127.0.0.1:0")
    app = GatewayApp(http_app([]), EchoApp(door), "/")
    try:
        async with serving([Listener(bound, app, hypercorn_config(LimitSettings()))]):
            await _converse(*bound.sock.getsockname()[:2])
    finally:
        bound.sock.close()


async def _converse(host: str, port: int) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(_REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\x81\x82" + _MASK + bytes(a ^ b for a, b in zip(b"hi", _MASK, strict=False)))
        echoed = await reader.readexactly(4)
        writer.write(b"\x88\x80" + _MASK)
        rest = await reader.read()
    finally:
        writer.close()
    if not head.startswith(b"HTTP/1.1 101") or _ACCEPT not in head:
        raise EOFError
    if (echoed, rest) != (b"\x81\x02hi", b"\x88\x00"):
        raise EOFError


def _nothing() -> None:
    """Nobody is to be told."""


def _released(_: str) -> None:
    """There are no places."""
