"""The ASGI socket driver: any server, any HTTP version; with hypercorn's HTTP/1.1, all limits too.

One task reads and owns liveness: it is the ASGI call itself. A second one writes, made at the first
write. Fan-out only appends to the writer's queue, so a client that does not read costs nobody else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from gatewright.server.asgi import Message, Receive, Send
from gatewright.server.hypercorn.carrier import Carrier, carrier_of
from gatewright.server.keepalive import Keepalive
from gatewright.session.socket import SocketSession
from gatewright.wheel import NEVER
from gatewright.wire.close_codes import ABNORMAL, SLOW_CONSUMER
from gatewright.wire.frames import Binary, Frame
from gatewright.wire.frames import Message as Written

__all__ = ["AsgiDoor", "AsgiDriver"]


CLOSE_SECONDS: Final = 5.0
"""How long a closed socket may take to read what was written before; then it is cut off."""


@dataclass(frozen=True, slots=True)
class AsgiDriver:
    """Carries sockets through plain ASGI ``receive`` and ``send``.

    Attributes:
        send_buffer_bytes: Unsent bytes after which a client counts as a slow consumer.
        keepalive: Pings clients, where the server lets us.
        on_slow: Called when a slow consumer is closed.
        release: Called with the place of each socket that is over.
    """

    send_buffer_bytes: int
    keepalive: Keepalive
    on_slow: Callable[[], None]
    release: Callable[[str], None]

    def door(self, receive: Receive, send: Send) -> AsgiDoor:
        """Return the door of one ``websocket`` scope whose ``websocket.connect`` was received."""
        return AsgiDoor(self, receive, send)


class AsgiDoor:
    """A `Door` of plain ASGI: the socket is open once it was accepted."""

    __slots__ = ("_driver", "_receive", "_send")

    def __init__(self, driver: AsgiDriver, receive: Receive, send: Send) -> None:
        self._driver = driver
        self._receive = receive
        self._send = send

    @property
    def gone(self) -> bool:
        """Whether the client has hung up, where the server lets us know."""
        carrier = carrier_of(self._send)
        return carrier is not None and carrier.gone

    async def accept(self, subprotocol: str | None) -> None:
        """Answer the handshake."""
        await self._send({"type": "websocket.accept", "subprotocol": subprotocol})

    async def close(self, code: int, reason: str = "") -> None:
        """Close what was accepted."""
        await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def serve(self, session: SocketSession, place: str) -> None:
        """Carry the socket until it is over. Cancelling drops the connection."""
        carrier = carrier_of(self._send)
        socket = AsgiSocket(self._driver, self._send, carrier)
        if carrier is not None:
            carrier.on_control(session.control)
            self._driver.keepalive.watch(socket)
        try:
            session.opened(socket)
            await socket.read_into(session, self._receive)
        finally:
            try:
                await socket.finish()
            finally:
                session.closed(*socket.ended_with)
                self._driver.release(place)


class AsgiSocket:
    """One WebSocket over ASGI; a `Socket` for its session."""

    __slots__ = (
        "_abort_timer",
        "_buffered",
        "_carrier",
        "_close",
        "_done",
        "_driver",
        "_loop",
        "_queue",
        "_reader",
        "_resumed",
        "_send",
        "_wake",
        "_writer",
        "due",
        "ended_with",
        "paused",
        "pinged",
        "pinged_at",
    )

    def __init__(self, driver: AsgiDriver, send: Send, carrier: Carrier | None) -> None:
        self._driver = driver
        self._send = send
        self._carrier = carrier
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Frame | Binary] = deque()
        self._buffered = 0
        self._close: tuple[int, str] | None = None
        self._reader: asyncio.Task[Any] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._wake: asyncio.Future[None] | None = None
        self._resumed: asyncio.Future[None] | None = None
        self._abort_timer: asyncio.TimerHandle | None = None
        self.ended_with = (ABNORMAL, "")
        self._done = False
        self.paused = False
        self.due = NEVER
        self.pinged = False
        self.pinged_at = 0.0

    # -- Watched ---------------------------------------------------------------------------------

    @property
    def heard(self) -> bool:
        """Whether bytes came in since the last ping."""
        return self._carrier is not None and self._carrier.last_received >= self.pinged_at

    @heard.setter
    def heard(self, _: bool) -> None:
        self.pinged_at = self._loop.time()

    def fire(self) -> None:
        """Be looked at by keepalive."""
        self._driver.keepalive.check(self)

    def ping(self) -> None:
        """Send a ping, where the server lets us."""
        if self._carrier is not None:
            self._carrier.ping()

    # -- Socket ----------------------------------------------------------------------------------

    @property
    def buffered(self) -> int:
        """Bytes written that are not yet with the kernel."""
        return self._buffered + (self._carrier.buffered if self._carrier is not None else 0)

    @property
    def closing(self) -> bool:
        """Whether this side has asked for a close."""
        return self._close is not None

    def write(self, message: Written) -> None:
        """Queue frames; see `Socket.write`."""
        if self._close is not None:
            return
        buffered = self._buffered + message.size
        if self._buffered and buffered > self._driver.send_buffer_bytes:
            self._too_slow()
            return
        self._buffered = buffered
        self._queue.extend(message.frames)
        self._wake_writer()

    def close(self, code: int, reason: str = "") -> None:
        """Close after what was written; see `Socket.close`."""
        if self._close is not None:
            return
        self._close = (code, reason)
        self._abort_timer = self._loop.call_later(CLOSE_SECONDS, self.abort)
        self.resume_reading()
        self._wake_writer()

    def abort(self) -> None:
        """Drop the connection at once; see `Socket.abort`."""
        if self._close is None:
            self._close = (ABNORMAL, "")
        self._queue.clear()
        self.resume_reading()
        if self._carrier is not None:
            self._carrier.abort()
        else:
            self._stop_reading()

    def pause_reading(self) -> None:
        """Take no more messages; see `Socket.pause_reading`."""
        self.paused = self._close is None

    def resume_reading(self) -> None:
        """Take messages again; see `Socket.resume_reading`."""
        self.paused = False
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)

    # -- the reader --------------------------------------------------------------------------------

    async def read_into(self, session: SocketSession, receive: Receive) -> None:
        """Give the client's messages to ``session`` until the socket is over."""
        self._reader = asyncio.current_task()
        while True:
            message = await self._next(receive)
            if message["type"] == "websocket.disconnect":
                if self._close is None:
                    self.ended_with = message.get("code", ABNORMAL), message.get("reason") or ""
                return
            if self._close is not None:
                continue
            if (text := message.get("text")) is not None:
                session.text(text)
            else:
                session.binary(message["bytes"])
            if self.paused:
                await self._until_resumed()

    async def _next(self, receive: Receive) -> Message:
        """Receive, or notice that this side is done with the socket."""
        try:
            return await receive()
        except asyncio.CancelledError:
            if not self._done or self._reader is None:
                raise
            self._reader.uncancel()
            return {"type": "websocket.disconnect"}

    async def _until_resumed(self) -> None:
        self._resumed = self._loop.create_future()
        try:
            await self._resumed
        finally:
            self._resumed = None

    async def finish(self) -> None:
        """Let nothing of the socket outlive it but the timer that frees a descriptor."""
        if self._close is not None:
            self.ended_with = self._close
        self._close = self._close or self.ended_with
        self._done = True
        self._driver.keepalive.forget(self)
        if self._abort_timer is not None:
            self._abort_timer.cancel()
        if self._carrier is not None:
            self._carrier.on_control(None)
            self._carrier.abort_later(CLOSE_SECONDS)  # who closed may not read what is left
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait([self._writer])
        self._queue.clear()
        self._buffered = 0

    # -- the writer --------------------------------------------------------------------------------

    def _wake_writer(self) -> None:
        if self._writer is None:
            self._writer = self._loop.create_task(self._write_all())
        elif self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def _write_all(self) -> None:
        try:
            await self._write_until_closed()
        except Exception:  # noqa: BLE001 - whatever the server raises, this client is gone
            self.abort()
        self._stop_reading()

    async def _write_until_closed(self) -> None:
        while True:
            while self._queue:
                frame = self._queue.popleft()
                await self._send(_sent(frame))
                self._buffered -= frame.size
            if self._close is not None:
                break
            self._wake = self._loop.create_future()
            await self._wake
        code, reason = self._close
        if code != ABNORMAL:
            await self._send({"type": "websocket.close", "code": code, "reason": reason})

    def _stop_reading(self) -> None:
        if self._reader is not None and not self._done:
            self._done = True
            self._reader.cancel()

    def _too_slow(self) -> None:
        self._queue.clear()
        self._driver.on_slow()
        self.close(SLOW_CONSUMER, "slow consumer")


def _sent(frame: Frame | Binary) -> Message:
    if isinstance(frame, Binary):
        return {"type": "websocket.send", "bytes": frame.payload}
    return {"type": "websocket.send", "text": frame.text}
