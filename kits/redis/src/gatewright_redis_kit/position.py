"""A place in a stream, and what is known to be missing before it. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

__all__ = ["ORIGIN", "Position", "StreamInfo", "stream_id"]

Id = tuple[int, int]

ORIGIN: Final = "0-0"


def stream_id(text: str) -> Id:
    """Return an id such as ``1700000000000-3`` as numbers, which compare as Redis orders ids."""
    milliseconds, _, sequence = text.partition("-")
    return int(milliseconds), int(sequence or 0)


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What ``XINFO STREAM`` says about a stream at one moment.

    Attributes:
        last_id: The last id ever given, its entry still there or not.
        length: Entries in the stream.
        tail: The id of the last entry that is there, or ``None`` when there is none.
        added: Entries ever added, or ``None`` where the server (before 7.0) does not say.
    """

    last_id: str
    length: int
    tail: str | None
    added: int | None

    @classmethod
    def read(cls, reply: Sequence[Any]) -> Self:
        """Read the flat reply of the command."""
        found = dict(zip(reply[::2], reply[1::2], strict=True))
        tail = found.get(b"last-entry")
        added = found.get(b"entries-added")
        return cls(
            last_id=found[b"last-generated-id"].decode(),
            length=found[b"length"],
            tail=tail[0].decode() if tail else None,
            added=added,
        )


class Position:
    """How far a stream has been read.

    Beside the cursor goes how many entries were ever added up to it (``entries-added``). Each
    look at the stream compares the two. It makes no difference what is added between a read and
    a look: one look is one moment, and nothing is read meanwhile.

    Attributes:
        cursor: The id after which reading goes on.
        gaps: How often entries were found missing, or the stream replaced.
        missed: Entries known to be missing; a replaced stream hides how many it cost.
        last_gap: What the last gap was, in words.
        lag: Entries that waited at the last look and were not read since; ``None``: unknown.
    """

    __slots__ = ("_accounted", "_anchored", "cursor", "gaps", "lag", "last_gap", "missed")

    def __init__(self, start: str) -> None:
        self.cursor = start
        self.gaps = 0
        self.missed = 0
        self.last_gap = ""
        self.lag: int | None = None
        self._accounted: int | None = None
        self._anchored = False

    @property
    def anchored(self) -> bool:
        """Whether the stream has been looked at."""
        return self._anchored

    def advance(self, last: str, entries: int) -> None:
        """Go past ``entries`` that were read, to the id ``last``."""
        self.cursor = last
        if self._accounted is not None:
            self._accounted += entries
        if self.lag is not None:
            self.lag = max(0, self.lag - entries)

    def start_at_end(self, info: StreamInfo | None) -> None:
        """Begin after what is there at the first look, in a stream that is to be read from now."""
        self._anchored = True
        self._go_to(info)

    def observe(self, info: StreamInfo | None) -> bool:
        """Compare with a look at the stream (``None``: there is none); tell whether a gap showed.

        The first look finds no gap. A stream that is not there yet, or that is behind a start
        taken from a clock, is read from its end: clocks differ, and all it holds is older.
        """
        if not self._anchored:
            self._anchored = True
            if info is None or stream_id(info.last_id) < stream_id(self.cursor):
                self._go_to(info)
                return False
        if info is None:
            return self._gone()
        if stream_id(info.last_id) < stream_id(self.cursor):
            last, self.cursor = self.cursor, info.last_id
            self._accounted = info.added
            self.lag = 0
            return self._gap(f"the stream went back from {last} to {info.last_id}")
        return info.added is not None and self._count(info, info.added)

    def _gone(self) -> bool:
        if self.cursor == ORIGIN:
            self._go_to(None)
            return False
        last = self.cursor
        self._go_to(None)
        return self._gap(f"the stream is gone, {last} was the last entry read")

    def _go_to(self, info: StreamInfo | None) -> None:
        self.cursor = ORIGIN if info is None else info.last_id
        self._accounted = 0 if info is None else info.added
        self.lag = 0

    def _count(self, info: StreamInfo, added: int) -> bool:
        nothing_waits = info.tail is None or stream_id(info.tail) <= stream_id(self.cursor)
        before = self._accounted
        if nothing_waits:  # what was added and is not there any more will never be read
            self.cursor, self._accounted, self.lag = info.last_id, added, 0
        if before is None:
            return False
        if added < before:
            self._accounted = added if nothing_waits else None
            return self._gap(f"the stream was replaced, after {before} entries it counts {added}")
        waiting = added - before
        lost = waiting if nothing_waits else max(0, waiting - info.length)
        if not nothing_waits:
            self.lag = waiting - lost
            self._accounted = before + lost
        if not lost:
            return False
        self.missed += lost
        return self._gap(f"{lost} entries were removed before they were read")

    def _gap(self, what: str) -> bool:
        self.gaps += 1
        self.last_gap = what
        return True
