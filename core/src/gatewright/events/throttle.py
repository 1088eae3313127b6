"""Keeps a log readable while the same thing happens thousands of times."""

from __future__ import annotations

__all__ = ["Throttle"]

_PERIOD = 60.0


class Throttle:
    """Lets one line a minute through for each word, with the number of times it stands for."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def count(self, word: str, now: float) -> int:
        """Return how many times to report now (monotonic seconds); 0: not now."""
        held = self._held[word] = self._held.get(word, 0) + 1
        if now < self._next.get(word, now):
            return 0
        self._next[word] = now + _PERIOD
        self._held[word] = 0
        return held
