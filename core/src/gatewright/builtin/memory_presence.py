"""Presence of a gateway with one node, kept in its memory."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Final

from gatewright import (
    ConnectionInfo,
    ConnectionPage,
    Factory,
    NoSettings,
    PluginContext,
    hookimpl,
)

__all__ = ["GATEWRIGHT_API", "MemoryPresence", "gatewright_presence"]

GATEWRIGHT_API: Final = (1, 0)

_CURSOR: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


class _Seat:
    """A connection and its place in the order of joining, which it keeps for good."""

    __slots__ = ("info", "number")

    def __init__(self, number: int, info: ConnectionInfo) -> None:
        self.number = number
        self.info = info


class _Index:
    """Names to seats; a name with one seat, as most have, costs no set."""

    __slots__ = ("_seats",)

    def __init__(self) -> None:
        self._seats: dict[str, _Seat | set[_Seat]] = {}

    def __len__(self) -> int:
        return len(self._seats)

    def add(self, name: str, seat: _Seat) -> None:
        known = self._seats.get(name)
        if known is None:
            self._seats[name] = seat
        elif isinstance(known, set):
            known.add(seat)
        elif known is not seat:
            self._seats[name] = {known, seat}

    def discard(self, name: str, seat: _Seat) -> None:
        known = self._seats.get(name)
        if isinstance(known, set):
            known.discard(seat)
            if len(known) == 1:
                self._seats[name] = known.pop()
        elif known is seat:
            del self._seats[name]

    def get(self, name: str) -> Collection[_Seat]:
        known = self._seats.get(name, ())
        return (known,) if isinstance(known, _Seat) else known


class MemoryPresence:
    """Remembers connections for as long as the process lives.

    Pages are in the order of joining; a cursor holds the place of the last connection seen, so
    that connections which come and go meanwhile neither shift nor repeat the others.
    """

    refresh_seconds: Final[float | None] = None

    def __init__(self) -> None:
        self._seats: dict[str, _Seat] = {}
        self._users = _Index()
        self._subjects = _Index()
        self._joined = 0

    def __len__(self) -> int:
        """Return how many connections are remembered."""
        return len(self._seats)

    async def joined(self, batch: Sequence[ConnectionInfo]) -> None:
        """Remember connections, or their new subjects."""
        for info in batch:
            seat = self._seats.get(info.connection_id)
            if seat is None:
                self._joined += 1
                seat = self._seats[info.connection_id] = _Seat(self._joined, info)
            else:
                self._unlist(seat)
            seat.info = info
            self._users.add(info.user_id, seat)
            for subject in info.subjects:
                self._subjects.add(subject, seat)

    async def left(self, batch: Sequence[ConnectionInfo]) -> None:
        """Forget connections."""
        for info in batch:
            seat = self._seats.pop(info.connection_id, None)
            if seat is not None:
                self._unlist(seat)

    async def refresh(self, batch: Sequence[ConnectionInfo]) -> None:
        """Write whole again; nothing ever expires here."""
        await self.joined(batch)

    async def find(
        self,
        *,
        subject: str | None = None,
        user_id: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> ConnectionPage:
        """Find connections, in the order of joining; never waits.

        Raises:
            ValueError: ``cursor`` is not one of this store's.
        """
        after = _number(cursor)
        matching = (seat for seat in self._matching(subject, user_id) if seat.number > after)
        if limit is None:
            return ConnectionPage(tuple(seat.info for seat in matching))
        page = tuple(islice(matching, limit))
        more = next(matching, None) is not None
        return ConnectionPage(
            tuple(seat.info for seat in page), str(page[-1].number) if page and more else None
        )

    def _matching(self, subject: str | None, user_id: str | None) -> Iterator[_Seat]:
        if user_id is not None:
            seats: Collection[_Seat] = self._users.get(user_id)
            if subject is not None:
                seats = [seat for seat in seats if subject in seat.info.subjects]
        elif subject is not None:
            seats = self._subjects.get(subject)
        else:
            return iter(self._seats.values())  # in order already
        return iter(sorted(seats, key=lambda seat: seat.number))

    def _unlist(self, seat: _Seat) -> None:
        self._users.discard(seat.info.user_id, seat)
        for subject in seat.info.subjects:
            self._subjects.discard(subject, seat)


def _number(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not _CURSOR.fullmatch(cursor):
        raise _NotACursor
    return int(cursor)


class _NotACursor(ValueError):
    def __str__(self) -> str:
        return "the cursor is not one that this store gave"


@asynccontextmanager
async def _open(_settings: NoSettings, _context: PluginContext) -> AsyncIterator[MemoryPresence]:
    yield MemoryPresence()


@hookimpl
def gatewright_presence() -> Factory[NoSettings, MemoryPresence]:
    """Declare presence in memory."""
    return Factory(
        settings=NoSettings, open=_open, summary="Remembers this node's connections in memory."
    )
