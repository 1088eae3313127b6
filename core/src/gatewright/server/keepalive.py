"""WebSocket pings, and the end of clients that answer nothing (RFC 6455, section 5.5.2)."""

from __future__ import annotations

from typing import Protocol

from gatewright.wheel import Timed, TimerWheel
from gatewright.wire.close_codes import INTERNAL_ERROR

__all__ = ["Keepalive", "Watched"]


class Watched(Timed, Protocol):
    """A socket that is watched; what it is put on the wheel with is itself.

    Attributes:
        paused: Whether nothing is read.
        heard: Set by the socket whenever bytes come in.
        pinged: Whether a ping waits for an answer; keepalive's own.
    """

    paused: bool
    heard: bool
    pinged: bool

    @property
    def closing(self) -> bool:
        """Whether this side has asked for a close."""
        ...

    def ping(self) -> None:
        """Send a ping."""
        ...

    def close(self, code: int, reason: str = "") -> None:
        """Close the socket."""
        ...


class Keepalive:
    """Pings every socket each interval and closes with 1011 those that send nothing back.

    Any byte from the client counts as an answer. A paused socket is not judged: while nothing is
    read, neither pongs nor resets are seen. Nothing is kept for a socket but its place on the
    wheel.
    """

    def __init__(self, wheel: TimerWheel, *, interval: float, timeout: float) -> None:
        self._wheel = wheel
        self._interval = interval
        self._timeout = timeout

    def watch(self, socket: Watched) -> None:
        """Begin with a socket, which calls `check` when it is due; an interval of 0 means never."""
        if self._interval > 0:
            self._wheel.put(socket, self._interval)

    def forget(self, socket: Watched) -> None:
        """End with a socket; one that is not watched is no error."""
        self._wheel.take_off(socket)

    def check(self, socket: Watched) -> None:
        """Ping, or judge the last ping."""
        if socket.closing:
            return
        if socket.paused:
            socket.pinged = False
        elif not socket.pinged:
            socket.pinged, socket.heard = True, False
            socket.ping()
            self._wheel.put(socket, self._timeout)
            return
        elif not socket.heard:
            socket.close(INTERNAL_ERROR, "no pong")
            return
        socket.pinged = False
        self._wheel.put(socket, self._pause())

    def _pause(self) -> float:
        """What is left of the interval once the answer had its time."""
        return max(self._interval - self._timeout, 0.0)
