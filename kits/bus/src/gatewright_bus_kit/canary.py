"""Whether what this node sends to everybody comes back to it."""

from __future__ import annotations

from typing import Final

from gatewright import Clock

__all__ = ["Canary"]

MISSED_BEATS: Final = 3
_GRACE_BEATS: Final = 0.25
_KEPT: Final = 64


class Canary:
    """Keeps count of this node's beats and of those that came back.

    Judged by when the last beat that came back was *sent*: a reader that is alive but far behind
    is as bad as none.
    """

    def __init__(self, clock: Clock, beat_seconds: float) -> None:
        self._clock = clock
        self._beat_seconds = beat_seconds
        self._sent: dict[int, float] = {}
        self._number = 0
        self._echoed = 0
        self._since: float | None = None  # when the last beat that came back was sent
        self.round_trip: float | None = None

    @property
    def has_sung(self) -> bool:
        """Whether a beat ever came back."""
        return self._echoed > 0

    @property
    def waiting(self) -> bool:
        """Whether the last beat has not come back yet."""
        return self._echoed < self._number

    @property
    def missed(self) -> int:
        """How many beats in a row are missing: those that had their time to come back."""
        if self._since is None:
            return 0
        age = self._clock.monotonic() - self._since
        return max(0, int(age / self._beat_seconds - _GRACE_BEATS))

    @property
    def alive(self) -> bool:
        """Whether beats come back."""
        return self.has_sung and self.missed < MISSED_BEATS

    def next(self) -> int:
        """Return the number of the next beat, which is sent now."""
        self._number += 1
        now = self._sent[self._number] = self._clock.monotonic()
        self._sent.pop(self._number - _KEPT, None)
        if self._since is None:
            self._since = now
        return self._number

    def came(self, number: int) -> None:
        """Take note of a beat that came back."""
        sent = self._sent.get(number)
        if sent is None or number <= self._echoed:
            return
        self._echoed = number
        self._since = sent
        self.round_trip = self._clock.monotonic() - sent
