"""A clock that stands still until it is told to go."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FakeClock"]


@dataclass(slots=True)
class FakeClock:
    """A `gatewright.Clock` for tests; both of its times move together.

    Attributes:
        seconds: What `monotonic` returns.
        wall: What `time` returns, in POSIX seconds.
    """

    seconds: float = 1000.0
    wall: float = 1_700_000_000.0

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        return self.seconds

    def time(self) -> float:
        """Return POSIX seconds."""
        return self.wall

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.seconds += seconds
        self.wall += seconds
