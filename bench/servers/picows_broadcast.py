"""picows by itself: one ``send`` for each connection, behind a small HTTP endpoint.

Run as ``python -m bench.servers.picows_broadcast PORT PUBLISH_PORT``.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Final

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

from bench.servers.endpoint import Endpoint
from bench.servers.messages import PONG, frame_of, is_ping, run

_PONG: Final = PONG.encode()
_connected: Final[set[WSTransport]] = set()


class _Client(WSListener):
    def on_ws_connected(self, transport: WSTransport) -> None:
        _connected.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        _connected.discard(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            if is_ping(frame.get_payload_as_bytes()):
                transport.send(WSMsgType.TEXT, _PONG)
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()


def _publish(body: bytes) -> int:
    frame = frame_of(body)
    for transport in _connected:
        transport.send(WSMsgType.TEXT, frame)
    return len(_connected)


async def main(port: int, publish_port: int) -> None:
    """Serve until SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    endpoint = await loop.create_server(lambda: Endpoint(_publish), "127.0.0.1", publish_port)
    clients = await ws_create_server(lambda _request: _Client(), "127.0.0.1", port, backlog=4096)
    async with endpoint, clients:
        await stop.wait()


if __name__ == "__main__":
    run(main(int(sys.argv[1]), int(sys.argv[2])))
