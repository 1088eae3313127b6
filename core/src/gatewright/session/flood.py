"""The hidden bucket that counts every frame of a connection, pings too."""

from __future__ import annotations

__all__ = ["FLOOD_FACTOR", "FloodGuard"]

FLOOD_FACTOR = 10
"""The hidden bucket is this many times the rate limit's rate and burst."""


class FloodGuard:
    """Tells a client that talks too much from one that is beyond all measure.

    Shared by all connections; each keeps only its two numbers.

    Attributes:
        rate: Frames per second that are tolerated; 0 or less: any.
        burst: Frames at once that are tolerated.
    """

    __slots__ = ("burst", "rate")

    def __init__(self, per_second: float, burst: float) -> None:
        self.rate = per_second * FLOOD_FACTOR
        self.burst = max(burst * FLOOD_FACTOR, 1.0)

    @property
    def active(self) -> bool:
        """Whether there is any limit."""
        return self.rate > 0

    def refilled(self, tokens: float, elapsed: float) -> float:
        """Return what a bucket that held ``tokens`` holds ``elapsed`` seconds later."""
        return min(self.burst, tokens + elapsed * self.rate)
