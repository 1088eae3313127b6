"""Closes connections whose credential has ended."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gatewright.server.wheel import Timer, TimerWheel
from gatewright.wire.close_codes import UNAUTHORIZED

if TYPE_CHECKING:
    from gatewright.clock import Clock
    from gatewright.session.session import Session

__all__ = ["Expiry"]


class Expiry:
    """Closes each connection with 4401 when its identity's ``close_at`` has come.

    The wall clock is read once per credential; from then on the time is monotonic, so a clock that
    is set forward or back later neither cuts nor keeps anybody.
    """

    def __init__(self, wheel: TimerWheel, clock: Clock) -> None:
        self._wheel = wheel
        self._clock = clock
        self._timers: dict[str, Timer] = {}

    def watch(self, session: Session) -> None:
        """Watch a connection by its identity; called again, only the newest identity counts."""
        self.forget(session)
        close_at = session.identity.close_at
        if close_at is not None:
            seconds = max(close_at - self._clock.time(), 0.0)
            timer = self._wheel.after(seconds, partial(session.close, UNAUTHORIZED))
            self._timers[session.info.connection_id] = timer

    def forget(self, session: Session) -> None:
        """Watch a connection no more."""
        timer = self._timers.pop(session.info.connection_id, None)
        if timer is not None:
            timer.cancel()
