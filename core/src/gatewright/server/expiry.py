"""Closes connections whose credential has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatewright.clock import Clock
    from gatewright.session.session import Session
    from gatewright.wheel import TimerWheel

__all__ = ["Expiry"]


class Expiry:
    """Has each connection close when its identity's ``close_at`` has come.

    The wall clock is read once per credential; from then on the time is monotonic, so a clock that
    is set forward or back later neither cuts nor keeps anybody.
    """

    def __init__(self, wheel: TimerWheel, clock: Clock) -> None:
        self._wheel = wheel
        self._clock = clock

    def watch(self, session: Session) -> None:
        """Watch a connection by its identity; called again, only the newest identity counts."""
        self.forget(session)
        close_at = session.identity.close_at
        if close_at is not None:
            self._wheel.put(session, max(close_at - self._clock.time(), 0.0))

    def forget(self, session: Session) -> None:
        """Watch a connection no more."""
        self._wheel.take_off(session)
