"""Cursors: where in a scan of Redis a page ended.

`SCAN` and `SSCAN` answer in batches whose size is up to Redis (a small set comes at once, whatever
``COUNT`` says), so a page may end inside a batch. The batch is read again for the next page, and
what was given of it is skipped: ids are given in order, and the cursor names the last.

A batch that is read again may be another, because sets and tables grow and shrink: it may reach
less far, or farther. So a cursor also says how far the batch reached when it was first read. Only
up to there are ids skipped. A connection that stays is never missed; one may come twice where the
set changes meanwhile.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple, Self

__all__ = ["START", "ForeignCursor", "Place"]

_CURSOR: Final = re.compile(r"([0-9]{1,20}):([0-9]{1,20}):(.*)", re.ASCII | re.DOTALL)
_BITS: Final = 64
_END: Final = 1 << _BITS


class ForeignCursor(ValueError):
    """A cursor is none that this store gave."""

    def __str__(self) -> str:
        return "the cursor is not one that this store gave"


class Place(NamedTuple):
    """A place in a scan.

    Attributes:
        scan: Redis's cursor of the batch to read.
        end: With ``last``: Redis's cursor after the batch as it was first read; 0: the end.
        last: The last id given of that batch, or ``""`` where none was.
    """

    scan: int
    end: int = 0
    last: str = ""

    @classmethod
    def parse(cls, cursor: str | None) -> Self:
        """Read a cursor; ``None`` is the start.

        Raises:
            ForeignCursor: It is none of ours.
        """
        if cursor is None:
            return cls(0)
        match = _CURSOR.fullmatch(cursor)
        if match is None:
            raise ForeignCursor
        place = cls(int(match[1]), int(match[2]), match[3])
        if max(place.scan, place.end) >= _END:
            raise ForeignCursor
        return place

    def __str__(self) -> str:
        return f"{self.scan}:{self.end}:{self.last}"

    def within(self, following: int, last: str) -> Place:
        """Return the place inside the batch read here, which ends at ``following``."""
        end = min(following, self.end, key=_position) if self.last else following
        return Place(self.scan, end, last)

    def after(self, following: int) -> Place | None:
        """Return the place after the batch read here, or ``None`` at the end of all."""
        if self.last and _position(following) < _position(self.end):
            return Place(following, self.end, self.last)
        onward = self.end if self.last else following
        return None if onward == 0 else Place(onward)


START: Final = Place(0)


def _position(cursor: int) -> int:
    """Return how far a cursor is: Redis counts its bits from the other end; 0 says it is over."""
    return int(f"{cursor:0{_BITS}b}"[::-1], 2) if cursor else _END
