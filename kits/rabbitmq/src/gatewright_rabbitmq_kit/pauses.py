"""How long to wait for a RabbitMQ that is away."""

from __future__ import annotations

import random
from typing import Final

from gatewright import Clock

__all__ = ["Pauses"]

_FIRST: Final = 0.05
_EARLY: Final = 1.0
_LATE: Final = 30.0
_EARLY_SECONDS: Final = 60.0


class Pauses:
    """Pauses between attempts: jittered, at most 1 s in an outage's first minute, then 30 s.

    The random share is there so that nodes which lost the same broker do not return in step.
    """

    __slots__ = ("_bound", "_clock", "_since")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: float | None = None
        self._bound = _FIRST

    def next(self) -> float:
        """Return how long to wait before the next attempt, in seconds."""
        now = self._clock.monotonic()
        if self._since is None:
            self._since = now
        longest = _EARLY if now - self._since < _EARLY_SECONDS else _LATE
        self._bound = min(self._bound * 2, longest)
        return random.uniform(self._bound / 2, self._bound)  # noqa: S311 - no secret

    def reset(self) -> None:
        """Begin anew: the broker answered."""
        self._since = None
        self._bound = _FIRST
