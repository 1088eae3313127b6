"""``websockets.broadcast`` behind a small HTTP endpoint.

Run as ``python -m bench.servers.websockets_broadcast PORT PUBLISH_PORT``.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Final

from websockets.asyncio.server import ServerConnection, broadcast, serve

from bench.servers.endpoint import Endpoint
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


async def main(port: int, publish_port: int) -> None:
    """Serve until SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    endpoint = await loop.create_server(lambda: Endpoint(_publish), "127.0.0.1", publish_port)
    async with endpoint, serve(_client, "127.0.0.1", port, compression=None, backlog=4096):
        await stop.wait()


if __name__ == "__main__":
    run(main(int(sys.argv[1]), int(sys.argv[2])))
