"""One timer for many: callbacks in slots of a wheel, for keepalive and expiry."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Final, Protocol

import anyio

from gatewright.clock import Clock

__all__ = ["NEVER", "Timed", "Timer", "TimerWheel"]

TICK_SECONDS: Final = 0.25
STALL_TICKS: Final = 2


NEVER: Final = -1


class Timed(Protocol):
    """What can be put on a wheel.

    Attributes:
        due: The wheel's own; `NEVER` takes it off.
    """

    due: int

    def fire(self) -> None:
        """The time has come. Must not raise or block."""
        ...


class Timer:
    """One callback that is due later; `cancel` takes it back."""

    __slots__ = ("callback", "due")

    def __init__(self, callback: Callable[[], None]) -> None:
        self.due = NEVER
        self.callback = callback

    def fire(self) -> None:
        """Call back."""
        self.callback()

    def cancel(self) -> None:
        """Never call back; does nothing when it already has."""
        self.due = NEVER


class TimerWheel:
    """Fires once a time has come, never early, at most a tick late, in O(1) each.

    What was taken off stays in its slot until that comes round.
    """

    def __init__(self, clock: Clock, *, tick: float = TICK_SECONDS, slots: int = 1024) -> None:
        self._clock = clock
        self._tick = tick
        self._started = clock.monotonic()
        self._now = 0
        self._slots: list[list[Timed]] = [[] for _ in range(slots)]

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call ``callback`` once ``seconds`` from now. It must not raise or block."""
        timer = Timer(callback)
        self.put(timer, seconds)
        return timer

    def put(self, timed: Timed, seconds: float) -> None:
        """Fire ``timed``, which is on no wheel, ``seconds`` from now."""
        elapsed = self._clock.monotonic() - self._started
        timed.due = due = max(ceil((elapsed + seconds) / self._tick), self._now + 1)
        self._slots[due % len(self._slots)].append(timed)

    def advance(self) -> None:
        """Call back all that has become due."""
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
        index = now % len(self._slots)
        entries = self._slots[index]
        if not entries:
            return
        self._slots[index] = [timed for timed in entries if timed.due > now]
        for timed in entries:
            if 0 <= timed.due <= now:
                timed.due = NEVER
                timed.fire()
