"""A raw ASGI broadcast: a set of connections, and one ``send`` for each.

``POST`` at any path takes what the gateway's endpoint takes and answers what it answers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from bench.servers.messages import PONG, frame_of, is_ping

__all__ = ["Broadcast", "Event", "Receive", "Send", "app", "publications"]

Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Broadcast = Callable[[bytes], Awaitable[int]]
"""Sends a publication, the body of its request, to everybody; returns how many that are."""

_connected: Final[set[Send]] = set()


def _text(text: str) -> Event:
    return {"type": "websocket.send", "bytes": None, "text": text}


async def _websocket(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    _connected.add(send)
    try:
        while (event := await receive())["type"] == "websocket.receive":
            if is_ping(event.get("text") or event.get("bytes") or b""):
                await send(_text(PONG))
    finally:
        _connected.discard(send)


async def _broadcast(body: bytes) -> int:
    text = frame_of(body).decode()
    everybody = list(_connected)
    for send in everybody:
        await send(_text(text))
    return len(everybody)


async def publications(broadcast: Broadcast, receive: Receive, send: Send) -> None:
    """Serve one HTTP request, a publication."""
    body = b""
    more = True
    while more:
        event = await receive()
        if event["type"] != "http.request":
            return
        body += event.get("body", b"")
        more = event.get("more_body", False)
    answer = b'{"sent":%d}' % await broadcast(body)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(answer)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer, "more_body": False})


async def app(scope: Event, receive: Receive, send: Send) -> None:
    """Serve clients at any path, and publications over HTTP at any path."""
    if scope["type"] == "websocket":
        await _websocket(receive, send)
    elif scope["type"] == "http":
        await publications(_broadcast, receive, send)
    else:
        await _lifespan(receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
