"""One WebSocket on its transport: no task, and no queue while the client reads."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatewright.logs import get_logger
from gatewright.server.drivers.frame_reader import CLOSING, DEAF, OPEN, FrameReader, Violation
from gatewright.wheel import NEVER
from gatewright.wire.close_codes import ABNORMAL, INTERNAL_ERROR, SLOW_CONSUMER
from gatewright.wire.websocket import PING, PONG, close_frame, frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewright.server.keepalive import Keepalive
    from gatewright.session.socket import SocketSession
    from gatewright.wire.frames import Message

__all__ = ["CLOSE_SECONDS", "LINGER_SECONDS", "DirectSocket", "Terms"]

CLOSE_SECONDS: Final = 5.0
"""How long a closed socket may take to read what was written before; then it is cut off."""

LINGER_SECONDS: Final = 1.0
"""How long a closed socket waits for the peer's own close frame."""

HIGH_WATER: Final = 64 * 1024
"""Unsent bytes from which on frames are held here, shared, instead of copied by the transport."""

_PING: Final = frame(PING)


@dataclass(frozen=True, slots=True)
class Terms:
    """What all sockets of a driver share.

    Attributes:
        message_bytes: The largest message of a client.
        send_buffer_bytes: Unsent bytes after which a client counts as a slow consumer.
        keepalive: Pings clients.
        settle: Writes what was published in this turn of the loop and is not written yet.
        on_slow: Called when a slow consumer is closed.
        release: Called once for each socket that is gone, with the place it had.
    """

    message_bytes: int
    send_buffer_bytes: int
    keepalive: Keepalive
    settle: Callable[[], None]
    on_slow: Callable[[], None]
    release: Callable[[str], None]

    @property
    def high_water(self) -> int:
        """From how many unsent bytes on frames are held back."""
        return min(HIGH_WATER, self.send_buffer_bytes // 2)

    @property
    def slack(self) -> int:
        """Frames up to this size fit while the transport is below its high-water mark."""
        return self.send_buffer_bytes - self.high_water


class DirectSocket(FrameReader):
    """The protocol of one client's transport, and the `Socket` of its session.

    Attributes:
        pinged: Whether a ping waits for an answer; keepalive's own.
    """

    __slots__ = (
        "_close",
        "_congested",
        "_ended_with",
        "_held",
        "_held_bytes",
        "_place",
        "_session",
        "_slack",
        "_terms",
        "_timer",
        "_transport",
        "due",
        "pinged",
    )

    def __init__(self, terms: Terms, session: SocketSession, place: str) -> None:
        super().__init__(terms.message_bytes)
        self._terms = terms
        self._session = session
        self._place = place
        self._slack = terms.slack
        self._held: deque[Message | _Control] | None = None
        self._held_bytes = 0
        self._congested = False
        self._close: tuple[int, str] | None = None
        self._ended_with = (ABNORMAL, "")
        self._timer: asyncio.TimerHandle | None = None
        self.due = NEVER
        self.pinged = False

    def begin(self, transport: asyncio.Transport, first: bytes) -> None:
        """Take a transport whose handshake this class is to finish.

        Args:
            transport: It is this protocol's from now on.
            first: The answer to the handshake.
        """
        self._transport = transport
        transport.set_write_buffer_limits(high=self._terms.high_water)
        transport.write(first)
        self._terms.keepalive.watch(self)
        try:
            self._session.opened(self)
        except Exception as error:  # noqa: BLE001 - it must cost nobody else
            self._failed(error)

    # -- Socket --------------------------------------------------------------------------------

    @property
    def buffered(self) -> int:
        """Bytes written that are not yet with the kernel."""
        return self._held_bytes + self._transport.get_write_buffer_size()

    @property
    def closing(self) -> bool:
        """Whether this side has asked for a close."""
        return self._close is not None

    def write(self, message: Message) -> None:
        """Send frames; see `Socket.write`."""
        if self._held is None and message.size <= self._slack:
            self._transport.write(message.wire)
        else:
            self._hold(message)

    def close(self, code: int, reason: str = "") -> None:
        """Close after what was written; see `Socket.close`."""
        if self._close is not None:
            return
        self._terms.settle()
        self._close = self._ended_with = (code, reason)
        if self._reading == OPEN:
            self._reading = CLOSING
        self._fragments = None
        self._timer = _later(CLOSE_SECONDS, self.abort)
        if self._held is None:
            self._held = deque()
        self._held.append(_Control(close_frame(code, reason)))
        self.resume_reading()
        self._release()

    def abort(self) -> None:
        """Drop the connection at once; see `Socket.abort`."""
        if self._close is None:
            self._close = (ABNORMAL, "")
        self._reading = DEAF
        self._drop_held()
        self._transport.abort()

    def pause_reading(self) -> None:
        """Take no more messages; see `Socket.pause_reading`."""
        if self._close is None and not self.paused:
            self.paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take messages again; see `Socket.resume_reading`."""
        if self.paused:
            self.paused = False
            self._transport.resume_reading()
            self.read_on()

    def fire(self) -> None:
        """Be looked at by keepalive."""
        self._terms.keepalive.check(self)

    def ping(self) -> None:
        """Send a ping; nothing where either side is closing."""
        if self._close is None and not self._transport.is_closing():
            self._transport.write(_PING)

    # -- what FrameReader reads ------------------------------------------------------------------

    def on_text(self, text: str) -> None:
        """Hand it to the session."""
        try:
            self._session.text(text)
        except Exception as error:  # noqa: BLE001 - a plugin's, which must cost nobody else
            self._failed(error)

    def on_binary(self, data: bytes) -> None:
        """Hand it to the session."""
        try:
            self._session.binary(data)
        except Exception as error:  # noqa: BLE001 - as above
            self._failed(error)

    def on_ping(self, payload: bytes) -> None:
        """Answer (section 5.5.3), after what was published before."""
        self._terms.settle()
        if self._held is None:
            self._transport.write(frame(PONG, payload))
        else:
            self._hold(_Control(frame(PONG, payload)))
        self._session.control()

    def on_part(self) -> None:
        """Have it counted against the flood limit."""
        self._session.control()

    def on_close(self, code: int, reason: str) -> None:
        """Answer the peer's close frame, or be done with both."""
        if self._close is None:
            self._terms.settle()
            self._close = self._ended_with = (code, reason)
            self._write_rest(close_frame(code))
        self._hang_up()

    def on_violation(self, violation: Violation) -> None:
        """Say what was wrong, and wait a moment for it to be read."""
        if self._close is None:
            self.close(violation.code, violation.reason)
        else:
            self._hang_up()

    def _read(self, data: bytes) -> None:
        """Write what is answered to several frames at once."""
        if self._held is not None:
            super()._read(data)
            return
        self._held = deque()
        super()._read(data)
        if self._close is None and not self._congested:
            self._release()

    # -- what the transport tells ------------------------------------------------------------------

    def pause_writing(self) -> None:
        """Hold frames from now on: the client reads slower than we write."""
        self._congested = True
        if self._held is None:
            self._held = deque()

    def resume_writing(self) -> None:
        """Go on with what is held."""
        self._congested = False
        self._release()

    def eof_received(self) -> bool:
        """The client has sent its last byte, without a close frame: all is over."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the session, and let go of everything."""
        del exc
        self._stop_timer()
        self._terms.keepalive.forget(self)
        self._close = self._close or self._ended_with  # what the session writes now goes nowhere
        if self.paused:
            self.paused = False
            self.read_on()
        self._reading = DEAF
        self._drop_held()
        try:
            self._session.closed(*self._ended_with)
        finally:
            self._terms.release(self._place)

    # -- inside --------------------------------------------------------------------------------

    def _failed(self, error: Exception) -> None:
        get_logger().error("a session failed and is closed", error=type(error).__name__)
        self.close(INTERNAL_ERROR)

    def _hold(self, message: Message | _Control) -> None:
        """Write frames for which there may be no room, or not yet."""
        if self._close is not None:
            return
        unsent = self.buffered
        if unsent and unsent + message.size > self._terms.send_buffer_bytes:
            self._drop_held()
            self._terms.on_slow()
            self.close(SLOW_CONSUMER, "slow consumer")
        elif self._held is None:
            self._transport.write(message.wire)
        else:
            self._held.append(message)
            self._held_bytes += message.size

    def _release(self) -> None:
        """Write what is held, as long as the transport takes it."""
        held = self._held
        while held and not self._congested:
            some, size = [held.popleft()], 0
            while held and (size := size + some[-1].size) < HIGH_WATER:
                some.append(held.popleft())
            self._held_bytes -= sum(each.size for each in some)
            self._transport.write(b"".join([each.wire for each in some]))
        if held:
            return
        if self._close is None:
            self._held = None
        else:  # our close frame was the last: wait for the peer's
            self._stop_timer()
            self._timer = _later(LINGER_SECONDS, self._hang_up)

    def _write_rest(self, last: bytes) -> None:
        """Write what is held, and ``last``, whatever the transport says: nothing comes after it."""
        rest = b"".join([each.wire for each in self._held or ()])
        self._drop_held()
        if not self._transport.is_closing():
            self._transport.write(rest + last)

    def _drop_held(self) -> None:
        self._held = deque()
        self._held_bytes = 0

    def _hang_up(self) -> None:
        """Close the transport once it has sent what was written; cut it off where that lasts."""
        self._reading = DEAF
        self._stop_timer()
        self._timer = _later(CLOSE_SECONDS - LINGER_SECONDS, self.abort)
        self._transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Control:
    """A control frame among what is held."""

    __slots__ = ("size", "wire")

    def __init__(self, wire: bytes) -> None:
        self.wire = wire
        self.size = len(wire)


def _later(seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(seconds, callback)
