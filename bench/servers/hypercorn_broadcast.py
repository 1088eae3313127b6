"""A raw ASGI broadcast on hypercorn: a set of connections, and one ``send`` for each.

Run as ``python -m bench.servers.hypercorn_broadcast PORT``. ``POST /publish`` takes what the
gateway's endpoint takes and answers what it answers.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Final

from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    Scope,
    WebsocketSendEvent,
)

from bench.servers.messages import PONG, frame_of, is_ping, run

_connected: Final[set[ASGISendCallable]] = set()


def _text(text: str) -> WebsocketSendEvent:
    return {"type": "websocket.send", "bytes": None, "text": text}


async def _websocket(receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    await receive()
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    _connected.add(send)
    try:
        while (event := await receive())["type"] == "websocket.receive":
            if is_ping(event["text"] or event["bytes"] or b""):
                await send(_text(PONG))
    finally:
        _connected.discard(send)


async def _broadcast(body: bytes) -> int:
    text = frame_of(body).decode()
    everybody = list(_connected)
    for send in everybody:
        await send(_text(text))
    return len(everybody)


async def _publish(receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    body = b""
    more = True
    while more:
        event = await receive()
        if event["type"] != "http.request":
            return
        body += event["body"]
        more = event["more_body"]
    answer = b'{"sent":%d}' % await _broadcast(body)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(answer)).encode()),
    ]
    start: HTTPResponseStartEvent = {
        "type": "http.response.start",
        "status": 200,
        "headers": headers,
    }
    end: HTTPResponseBodyEvent = {"type": "http.response.body", "body": answer, "more_body": False}
    await send(start)
    await send(end)


async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Serve clients at any path, and publications over HTTP at any path."""
    if scope["type"] == "websocket":
        await _websocket(receive, send)
    elif scope["type"] == "http":
        await _publish(receive, send)
    else:
        await _lifespan(receive, send)


async def _lifespan(receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def main(port: int) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.backlog = 4096
    config.graceful_timeout = 0.1
    config.accesslog = config.errorlog = None
    await serve(app, config, shutdown_trigger=stop.wait)


if __name__ == "__main__":
    run(main(int(sys.argv[1])))
