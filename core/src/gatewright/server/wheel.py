"""One timer for many: callbacks in slots of a wheel, for keepalive and expiry."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Final

import anyio

from gatewright.clock import Clock

__all__ = ["Timer", "TimerWheel"]

TICK_SECONDS: Final = 0.25
STALL_TICKS: Final = 2


class Timer:
    """One callback that is due later; `cancel` takes it back."""

    __slots__ = ("callback", "due")

    def __init__(self, due: int, callback: Callable[[], None]) -> None:
        self.due = due
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Never call back; does nothing when it already has."""
        self.callback = None


class TimerWheel:
    """Calls back once a time has come, never early, at most a tick late, in O(1) each.

    Cancelled timers stay in their slot until it comes round.
    """

    def __init__(self, clock: Clock, *, tick: float = TICK_SECONDS, slots: int = 1024) -> None:
        self._clock = clock
        self._tick = tick
        self._started = clock.monotonic()
        self._now = 0
        self._slots: list[list[Timer]] = [[] for _ in range(slots)]

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call ``callback`` once ``seconds`` from now. It must not raise or block."""
        elapsed = self._clock.monotonic() - self._started
        due = max(ceil((elapsed + seconds) / self._tick), self._now + 1)
        timer = Timer(due, callback)
        self._slots[due % len(self._slots)].append(timer)
        return timer

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
        timers = self._slots[index]
        if not timers:
            return
        self._slots[index] = [timer for timer in timers if timer.due > now and timer.callback]
        for timer in timers:
            if timer.due <= now and timer.callback is not None:
                callback, timer.callback = timer.callback, None
                callback()
