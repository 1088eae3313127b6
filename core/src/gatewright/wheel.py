"""One timer for many: what is due later, in slots of a wheel; for keepalive and expiry."""

from __future__ import annotations

from math import ceil
from typing import Final, Protocol

import anyio

from gatewright.clock import Clock

__all__ = ["NEVER", "Timed", "TimerWheel"]

TICK_SECONDS: Final = 0.25
STALL_TICKS: Final = 2

NEVER: Final = -1
"""When something that is on no wheel is due."""


class Timed(Protocol):
    """What can be put on a wheel.

    Attributes:
        due: The wheel's own; `NEVER` at first.
    """

    due: int

    def fire(self) -> None:
        """The time has come. Must not raise or block."""
        ...


class TimerWheel:
    """Fires once a time has come, never early, at most a tick late, in O(1) each.

    It holds on to what is on it, and to nothing else.
    """

    def __init__(self, clock: Clock, *, tick: float = TICK_SECONDS, slots: int = 1024) -> None:
        self._clock = clock
        self._tick = tick
        self._started = clock.monotonic()
        self._now = 0
        self._slots: list[dict[Timed, None]] = [{} for _ in range(slots)]

    def put(self, timed: Timed, seconds: float) -> None:
        """Fire ``timed``, which is on no wheel, ``seconds`` from now."""
        elapsed = self._clock.monotonic() - self._started
        timed.due = due = max(ceil((elapsed + seconds) / self._tick), self._now + 1)
        self._slots[due % len(self._slots)][timed] = None

    def take_off(self, timed: Timed) -> None:
        """Never fire ``timed``; one that is on no wheel is no error."""
        if timed.due != NEVER:
            self._slots[timed.due % len(self._slots)].pop(timed, None)
            timed.due = NEVER

    def advance(self) -> None:
        """Fire all that has become due."""
        until = int((self._clock.monotonic() - self._started) / self._tick)
        while self._now < until:
            self._now += 1
            self._turn(self._now)

    async def run(self) -> None:
        """Advance every tick until cancelled.

        A loop that stood still gets another tick first, to read what came in meanwhile: a pong that
        waits in its socket must count before its deadline does.
        """
        while True:
            before = self._clock.monotonic()
            await anyio.sleep(self._tick)
            if self._clock.monotonic() - before > STALL_TICKS * self._tick:
                await anyio.sleep(self._tick)
            self.advance()

    def _turn(self, now: int) -> None:
        slot = self._slots[now % len(self._slots)]
        for timed in [timed for timed in slot if timed.due <= now]:
            if NEVER < timed.due <= now:  # no other has taken it off, or put it back for later
                self.take_off(timed)
                timed.fire()
