"""Pauses that grow."""

from __future__ import annotations

import random

__all__ = ["Backoff"]


class Backoff:
    """Doubling pauses, each a little longer at random.

    Args:
        first: The first one, in seconds.
        longest: What they grow to.
    """

    def __init__(self, first: float, longest: float) -> None:
        self._first = self._next = first
        self._longest = longest

    def __next__(self) -> float:
        """Return the next pause, in seconds."""
        pause, self._next = self._next, min(self._next * 2, self._longest)
        return pause * random.uniform(1.0, 1.2)  # noqa: S311 - to spread, not to hide

    def reset(self) -> None:
        """Begin with the first one again."""
        self._next = self._first
