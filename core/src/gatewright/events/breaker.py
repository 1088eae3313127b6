"""Stops asking a backend that does not answer, and notices when it does again."""

from __future__ import annotations

from typing import Final

__all__ = ["Breaker"]

_FAILURES: Final = 20
_WINDOW: Final = 10.0
_PROBE: Final = 1.0


class Breaker:
    """Opens after 20 consecutive failed attempts of different events within 10 seconds.

    While it is open, one attempt a second is let through; the first success closes it. An attempt
    is one call of a sink, however many events it held; a batch is known by its first event. An
    event that the backend refuses for good is an answer, and counts as success here.

    Attributes:
        open: Whether attempts are held back.
        error: What the last failed attempt said.
    """

    __slots__ = ("_failed", "_next_probe", "error", "open")

    def __init__(self) -> None:
        self.open = False
        self.error = ""
        self._failed: dict[str, float] = {}
        self._next_probe = 0.0

    @property
    def next_probe(self) -> float:
        """When the next attempt may be made while the breaker is open (monotonic seconds)."""
        return self._next_probe

    def probe(self, now: float) -> bool:
        """Take the permission for one attempt while open; ``False``: it is not time yet."""
        if now < self._next_probe:
            return False
        self._next_probe = now + _PROBE
        return True

    def failed(self, event_id: str, error: str, now: float) -> bool:
        """Count a failed attempt; return whether that opened the breaker."""
        self.error = error
        if self.open:
            return False
        failed = self._failed
        failed.pop(event_id, None)
        failed[event_id] = now
        while failed[oldest := next(iter(failed))] < now - _WINDOW:
            del failed[oldest]
        if len(failed) < _FAILURES:
            return False
        failed.clear()
        self.open = True
        self._next_probe = now + _PROBE
        return True

    def answered(self) -> bool:
        """Note that the backend answered; return whether that closed the breaker."""
        if self._failed:
            self._failed.clear()
        was_open, self.open = self.open, False
        return was_open
