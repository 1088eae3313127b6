"""``websockets.broadcast`` behind a small HTTP endpoint.

Run as ``python -m bench.servers.websockets_broadcast PORT PUBLISH_PORT``. ``websockets`` serves no
POST, so publications arrive at a second port, at a parser that does only what the load generator
needs: cheaper than any HTTP server, in this peer's favour.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from typing import Final, cast

from websockets.asyncio.server import ServerConnection, broadcast, serve

from bench.servers.messages import PONG, frame_of, is_ping, run

_connected: Final[set[ServerConnection]] = set()


async def _client(connection: ServerConnection) -> None:
    _connected.add(connection)
    try:
        async for message in connection:
            if is_ping(message):
                await connection.send(PONG)
    finally:
        _connected.discard(connection)


def _publish(body: bytes) -> int:
    broadcast(_connected, frame_of(body).decode())
    return len(_connected)


class _Endpoint(asyncio.Protocol):
    """Requests with a Content-Length, one after another on one connection."""

    def __init__(self, publish: Callable[[bytes], int]) -> None:
        self._publish = publish
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, end, rest = self._data.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self._data = rest[length:]
        assert self._transport is not None
        answer = b'{"sent":%d}' % self._publish(rest[:length])
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer)
        )


async def main(port: int, publish_port: int) -> None:
    """Serve until SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    endpoint = await loop.create_server(lambda: _Endpoint(_publish), "127.0.0.1", publish_port)
    async with endpoint, serve(_client, "127.0.0.1", port, compression=None, backlog=4096):
        await stop.wait()


if __name__ == "__main__":
    run(main(int(sys.argv[1]), int(sys.argv[2])))
