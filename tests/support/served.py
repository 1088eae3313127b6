"""A session that records, and a real hypercorn that serves it through either driver."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gatewright.clock import SystemClock
from gatewright.config.settings import LimitSettings
from gatewright.server.app import GatewayApp
from gatewright.server.binding import bind
from gatewright.server.drivers.asgi import AsgiDriver
from gatewright.server.drivers.direct import DirectDriver
from gatewright.server.drivers.direct_socket import Terms
from gatewright.server.hypercorn.runner import Listener, hypercorn_config, serving
from gatewright.server.keepalive import Keepalive
from gatewright.server.routes import http_app
from gatewright.wheel import TimerWheel
from gatewright.wire.frames import Frame


@dataclass
class Recorder:
    """A session that echoes and remembers what it was told."""

    echo: bool = True
    texts: list = field(default_factory=list)
    controls: int = 0
    ended: tuple | None = None

    def __post_init__(self):
        self.is_open = asyncio.Event()
        self.is_closed = asyncio.Event()
        self.heard = asyncio.Event()

    def opened(self, socket):
        self.socket = socket
        self.is_open.set()

    def text(self, text):
        self.texts.append(text)
        self.heard.set()
        if self.echo:
            self.socket.write(Frame(text.encode()))

    def binary(self, data):
        self.socket.close(1003, "text only")

    def control(self):
        self.controls += 1
        self.heard.set()

    def closed(self, code, reason):
        self.ended = (code, reason)
        self.is_closed.set()


@dataclass
class Served:
    """A running server.

    Attributes:
        url: Where its WebSocket is.
        sessions: Every session there was, in order.
    """

    host: str
    port: int
    driver: str
    sessions: list
    slow: list
    released: list

    @property
    def url(self):
        return f"ws://{self.host}:{self.port}/ws"

    async def session(self, index=0):
        async with asyncio.timeout(5):
            while len(self.sessions) <= index:
                await asyncio.sleep(0.005)
            await self.sessions[index].is_open.wait()
        return self.sessions[index]


@asynccontextmanager
async def serve_recorders(
    *,
    message_bytes=1024 * 1024,
    send_buffer_bytes=4 * 1024 * 1024,
    interval=0.0,
    timeout=20.0,
    echo=True,
    subprotocol=None,
    driver="asgi",
    deflate=None,
):
    """Serve `Recorder` sessions on a free loopback port, through ``driver`` alone."""
    wheel = TimerWheel(SystemClock(), tick=0.02)
    sessions: list[Recorder] = []
    slow: list[int] = []
    released: list[str] = []
    keepalive = Keepalive(wheel, interval=interval, timeout=timeout)
    asgi = AsgiDriver(
        send_buffer_bytes=send_buffer_bytes,
        keepalive=keepalive,
        on_slow=lambda: slow.append(1),
        release=released.append,
    )
    direct = DirectDriver(
        Terms(
            message_bytes=message_bytes,
            send_buffer_bytes=send_buffer_bytes,
            keepalive=keepalive,
            settle=lambda: None,
            on_slow=lambda: slow.append(1),
            release=released.append,
        ),
        deflate,
    )

    async def handshaker(scope, receive, send):
        await receive()
        door = asgi.door(receive, send)
        if driver == "direct":
            door = direct.door(send, door)
        await door.accept(subprotocol)
        session = Recorder(echo=echo)
        sessions.append(session)
        await door.serve(session, "here")

    bound = bind("server.bind", "127.0.0.1:0")
    app = GatewayApp(http_app([]), handshaker, "/ws")
    config = hypercorn_config(LimitSettings(message_bytes=message_bytes, handshake_seconds=2))
    turning = asyncio.create_task(wheel.run())
    host, _, port = bound.address.rpartition(":")
    try:
        async with serving([Listener(bound, app, config)]):
            yield Served(host, int(port), driver, sessions, slow, released)
            for session in sessions:
                if session.ended is None:
                    session.socket.abort()
    finally:
        turning.cancel()
