"""Time as the gateway sees it, replaceable in tests."""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """The two times a plugin may need; neither ever blocks."""

    def monotonic(self) -> float:
        """Seconds that only grow, for timeouts, rates and leases."""

    def time(self) -> float:
        """POSIX seconds, for what is written down and for token expiry. May jump."""


class SystemClock:
    """The machine's clocks."""

    __slots__ = ()

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def time(self) -> float:
        """POSIX seconds."""
        return time.time()
