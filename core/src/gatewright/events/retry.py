"""How long an event waits between attempts."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

__all__ = ["LONGEST_WAIT", "RetryPolicy"]

LONGEST_WAIT: Final = 60.0
"""Seconds beyond which a backend's ``Retry-After`` is not heeded."""

_DOUBLINGS: Final = 40


class RetryPolicy:
    """Waits of base × 2ⁿ, never shorter, at most a fifth longer.

    Args:
        base_seconds: The wait after the first attempt.
        uniform: Draws a number from 0 to 1.
    """

    __slots__ = ("_base", "_uniform")

    def __init__(
        self,
        base_seconds: float,
        uniform: Callable[[], float] = random.random,
    ) -> None:
        self._base = base_seconds
        self._uniform = uniform

    def wait(self, attempts: int, after: float | None = None) -> float:
        """Return the seconds to wait after the given number of attempts, at least one.

        Args:
            attempts: Attempts that failed so far.
            after: What the backend asked for; heeded where it is longer, up to `LONGEST_WAIT`.
        """
        doublings = min(max(attempts, 1) - 1, _DOUBLINGS)
        wait = self._base * (1 << doublings) * (1 + self._uniform() / 5)
        return wait if after is None else max(wait, min(after, LONGEST_WAIT))
