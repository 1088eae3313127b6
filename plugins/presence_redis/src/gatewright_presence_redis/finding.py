"""Reads presence: the connections of all nodes, and those that other gateways have written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

from redis.exceptions import ResponseError

from gatewright import ConnectionInfo, ConnectionPage
from gatewright_presence_redis.keys import Keys
from gatewright_presence_redis.places import Place
from gatewright_presence_redis.records import FIELDS, read_hash
from gatewright_presence_redis.store import AT_ONCE, Store

__all__ = ["STALE_SECONDS", "Finder"]

STALE_SECONDS: Final = 45.0
"""Connections not seen for longer are hidden, as every reader does."""

_READ: Final = 500

Keep = Callable[[ConnectionInfo], bool]


class Finder:
    """Finds connections. The sets are an index; what a hash says is what counts.

    Args:
        store: The Redis.
        keys: The names.
        now: What ``last_seen_at`` is compared with, in POSIX seconds.
    """

    def __init__(self, store: Store, keys: Keys, *, now: Callable[[], float]) -> None:
        self._store = store
        self._keys = keys
        self._now = now

    async def find(
        self, *, subject: str | None, user_id: str | None, cursor: str | None, limit: int | None
    ) -> ConnectionPage:
        """Find connections, in no particular order.

        A connection that is there from the first page to the last is never missed; one may be on
        two pages where others come and go meanwhile.

        Raises:
            ForeignCursor: ``cursor`` is none of this store's.
        """

        def keep(info: ConnectionInfo) -> bool:
            return (user_id is None or info.user_id == user_id) and (
                subject is None or subject in info.subjects
            )

        source = self._source(subject, user_id)
        return await self._page(source, Place.parse(cursor), limit, keep)

    def _source(self, subject: str | None, user_id: str | None) -> _Source:
        if user_id is not None:
            return _Members(self._store, self._keys.user(user_id))
        if subject is not None:
            return _Members(self._store, self._keys.subject(subject))
        if self._store.is_cluster:
            return _AllOfCluster(self._store, self._keys.connection(""))
        return _All(self._store, self._keys.connection(""))

    async def _page(
        self, source: _Source, place: Place, limit: int | None, keep: Keep
    ) -> ConnectionPage:
        found: dict[str, ConnectionInfo] = {}
        last = ""
        while True:
            ids, following = await source.read(place.scan)
            fresh = sorted({one for one in ids if one > place.last}.difference(found))
            for start in range(0, len(fresh), _READ):
                for info in await self._read(fresh[start : start + _READ], keep):
                    if len(found) == limit:
                        onward = place.within(following, last)
                        return ConnectionPage(tuple(found.values()), str(onward))
                    found[info.connection_id] = info
                    last = info.connection_id
            next_place = place.after(following)
            if next_place is None:
                return ConnectionPage(tuple(found.values()))
            if len(found) == limit:
                return ConnectionPage(tuple(found.values()), str(next_place))
            place = next_place

    async def _read(self, ids: Sequence[str], keep: Keep) -> list[ConnectionInfo]:
        answers = await self._store.pipelined(
            (("HMGET", self._keys.connection(one), *FIELDS) for one in ids), raise_on_error=False
        )
        oldest = self._now() - STALE_SECONDS
        infos = []
        for connection_id, answer in zip(ids, answers, strict=True):
            if isinstance(answer, ResponseError):  # a key of another type, not ours
                continue
            if isinstance(answer, BaseException):
                raise answer
            found = read_hash(connection_id, answer)
            if found is not None and found.last_seen_at >= oldest and keep(found.info):
                infos.append(found.info)
        return infos


class _Source(Protocol):
    """Where ids come from, batch by batch."""

    async def read(self, cursor: int) -> tuple[list[str], int]:
        """Return a batch and Redis's cursor of the next; 0: there is none."""
        ...


class _Members:
    """The members of a set."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._key = key

    async def read(self, cursor: int) -> tuple[list[str], int]:
        answer: Any = await self._store.call("SSCAN", self._key, cursor, "COUNT", AT_ONCE)
        return _texts(answer[1], 0), int(answer[0])


class _All:
    """All connections there are, by the names of their hashes."""

    def __init__(self, store: Store, beginning: str) -> None:
        self._store = store
        self._pattern = _pattern(beginning)
        self._cut = len(beginning.encode())

    async def read(self, cursor: int) -> tuple[list[str], int]:
        answer: Any = await self._store.call(
            "SCAN", cursor, "MATCH", self._pattern, "COUNT", AT_ONCE
        )
        return _texts(answer[1], self._cut), int(answer[0])


class _AllOfCluster:
    """The same on a cluster, where cursors of several servers have no order: one batch of all."""

    def __init__(self, store: Store, beginning: str) -> None:
        self._store = store
        self._pattern = _pattern(beginning)
        self._cut = len(beginning.encode())

    async def read(self, cursor: int) -> tuple[list[str], int]:  # noqa: ARG002 - one shape for both
        keys = [key async for key in self._store.all_keys(self._pattern)]
        return _texts(keys, self._cut), 0


def _pattern(beginning: str) -> str:
    """Return the pattern that matches what begins so, whatever characters it holds."""
    return re.sub(r"([\\*?\[\]^])", r"\\\1", beginning) + "*"


def _texts(values: Iterable[bytes], cut: int) -> list[str]:
    """Return ids as text; what is no UTF-8 is no id of any gateway."""
    found = []
    for value in values:
        try:
            found.append(value[cut:].decode())
        except UnicodeDecodeError:
            continue
    return found
