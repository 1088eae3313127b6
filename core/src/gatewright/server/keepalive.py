"""WebSocket pings, and the end of clients that answer nothing (RFC 6455, section 5.5.2)."""

from __future__ import annotations

import asyncio
from typing import Protocol

from gatewright.server.wheel import Timer, TimerWheel
from gatewright.wire.close_codes import INTERNAL_ERROR

__all__ = ["Keepalive", "Pingable", "Watched"]


class Pingable(Protocol):
    """What carries a socket, as far as pings go."""

    @property
    def last_received(self) -> float:
        """The loop's time when bytes last came in."""
        ...

    def ping(self) -> None:
        """Send a ping."""
        ...


class Watched(Protocol):
    """A socket that is watched."""

    paused: bool

    @property
    def closing(self) -> bool:
        """Whether this side has asked for a close."""
        ...

    def close(self, code: int, reason: str = "") -> None:
        """Close the socket."""
        ...


class _Watch:
    __slots__ = ("carrier", "keepalive", "pinged_at", "socket", "timer")

    def __init__(self, keepalive: Keepalive, socket: Watched, carrier: Pingable) -> None:
        self.keepalive = keepalive
        self.socket = socket
        self.carrier = carrier
        self.pinged_at: float | None = None
        self.timer: Timer | None = None

    def due(self) -> None:
        self.keepalive.check(self)


class Keepalive:
    """Pings every socket each interval and closes with 1011 those that send nothing back.

    Any byte from the client counts as an answer. A paused socket is not judged: while nothing is
    read, neither pongs nor resets are seen.
    """

    def __init__(self, wheel: TimerWheel, *, interval: float, timeout: float) -> None:
        self._wheel = wheel
        self._interval = interval
        self._timeout = timeout
        self._watches: dict[Watched, _Watch] = {}

    def watch(self, socket: Watched, carrier: Pingable) -> None:
        """Begin with a socket; does nothing where the interval is 0."""
        if self._interval > 0:
            watch = self._watches[socket] = _Watch(self, socket, carrier)
            watch.timer = self._wheel.after(self._interval, watch.due)

    def forget(self, socket: Watched) -> None:
        """End with a socket; unknown ones are no error."""
        watch = self._watches.pop(socket, None)
        if watch is not None and watch.timer is not None:
            watch.timer.cancel()

    def check(self, watch: _Watch) -> None:
        """Ping, or judge the last ping; called when a watch is due."""
        if watch.socket.closing:
            return
        now = asyncio.get_running_loop().time()
        if watch.socket.paused:
            watch.pinged_at = None
        elif watch.pinged_at is not None and watch.carrier.last_received < watch.pinged_at:
            watch.socket.close(INTERNAL_ERROR, "no pong")
            return
        elif watch.pinged_at is None:
            watch.pinged_at = now
            watch.carrier.ping()
            watch.timer = self._wheel.after(self._timeout, watch.due)
            return
        watch.pinged_at = None
        watch.timer = self._wheel.after(self._pause(), watch.due)

    def _pause(self) -> float:
        """What is left of the interval once the answer had its time."""
        return max(self._interval - self._timeout, 0.0)
