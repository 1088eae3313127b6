"""python-socketio on uvicorn: one ``emit`` to everybody.

Run as ``python -m bench.servers.socketio_broadcast PORT``. Clients speak Engine.IO 4 over a
WebSocket from the start, at ``/socket.io/?EIO=4&transport=websocket``.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import msgspec
import socketio  # type: ignore[import-untyped]

from bench.servers.messages import run
from bench.servers.raw_asgi import Event, Receive, Send, publications
from bench.servers.uvicorn_broadcast import server_of

_LONGER_THAN_A_RUN: Final = 3600.0
"""Seconds between heartbeats, which the load generator does not answer."""

_decode: Final = msgspec.json.Decoder().decode
_connected: Final[set[str]] = set()
_server: Final[Any] = socketio.AsyncServer(async_mode="asgi", ping_interval=_LONGER_THAN_A_RUN)


@_server.event  # type: ignore[untyped-decorator]
async def connect(sid: str, _environ: Event) -> None:
    """Count a client in."""
    _connected.add(sid)


@_server.event  # type: ignore[untyped-decorator]
async def disconnect(sid: str, _reason: str) -> None:
    """Count a client out."""
    _connected.discard(sid)


@_server.event  # type: ignore[untyped-decorator]
async def ping(sid: str) -> None:
    """Answer a client."""
    await _server.emit("pong", to=sid)


async def _broadcast(body: bytes) -> int:
    everybody = len(_connected)
    await _server.emit("event", _decode(body)["payload"])
    return everybody


async def _endpoint(_scope: Event, receive: Receive, send: Send) -> None:
    await publications(_broadcast, receive, send)


if __name__ == "__main__":
    run(server_of(socketio.ASGIApp(_server, _endpoint), int(sys.argv[1])).serve())
