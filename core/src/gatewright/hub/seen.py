"""Which publication ids were delivered lately, and to how many."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from gatewright.clock import Clock

__all__ = ["SeenIds"]

REMEMBER_SECONDS: Final = 120.0
REMEMBER_MOST: Final = 200_000
DIGEST_BYTES: Final = 16


class SeenIds:
    """Remembers ids for two minutes, as short digests, at most 200,000 of them."""

    __slots__ = ("_clock", "_most", "_seconds", "_seen")

    def __init__(
        self, clock: Clock, *, seconds: float = REMEMBER_SECONDS, most: int = REMEMBER_MOST
    ) -> None:
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._seen: dict[bytes, tuple[float, int]] = {}

    def get(self, source: str, publication_id: str) -> int | None:
        """Return how many connections an id reached here, or ``None`` if it is new."""
        seen = self._seen.get(_digest(source, publication_id))
        if seen is None or seen[0] <= self._clock.monotonic():
            return None
        return seen[1]

    def add(self, source: str, publication_id: str, reached: int) -> None:
        """Remember an id and how many connections it reached."""
        now = self._clock.monotonic()
        self._forget(now)
        digest = _digest(source, publication_id)
        self._seen.pop(digest, None)  # so that the order stays the order of expiry
        self._seen[digest] = (now + self._seconds, reached)

    def _forget(self, now: float) -> None:
        while self._seen:
            oldest = next(iter(self._seen))
            if self._seen[oldest][0] > now and len(self._seen) < self._most:
                return
            del self._seen[oldest]


def _digest(source: str, publication_id: str) -> bytes:
    return blake2b(f"{source}\0{publication_id}".encode(), digest_size=DIGEST_BYTES).digest()
