"""Writes presence and takes it back: the keys that backends read, and the node's records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from gatewright import ConnectionInfo
from gatewright_presence_redis.keys import Keys
from gatewright_presence_redis.records import decode_subjects, encode_record, hash_of
from gatewright_presence_redis.store import AT_ONCE, Command, Store

__all__ = ["Writer"]


class Writer:
    """Writes in pipelines that may break anywhere: what is repeated then makes it whole.

    Args:
        store: The Redis.
        keys: The names.
        ttl_seconds: How long what is written stays.
        now: What goes into ``last_seen_at``, in POSIX seconds.
    """

    def __init__(
        self, store: Store, keys: Keys, *, ttl_seconds: int, now: Callable[[], float]
    ) -> None:
        self._store = store
        self._keys = keys
        self._ttl = ttl_seconds
        self._now = now

    async def write(self, batch: Sequence[ConnectionInfo], *, records: str | None) -> None:
        """Write connections whole and have all their keys live on.

        Args:
            batch: The connections.
            records: The hash that keeps a record of each, or ``None`` for no record.
        """
        for some in _portions(batch):
            await self._store.pipelined(self._writes(some, records))

    async def unlist(self, batch: Sequence[ConnectionInfo]) -> None:
        """Take connections out of the sets of subjects that they no longer hear.

        Before they are written, because only the old hash tells what they heard.
        """
        before = await self._subjects(batch)
        dropped = _Members()
        for info, known in zip(batch, before, strict=True):
            for subject in set(known).difference(info.subjects):
                dropped.add(self._keys.subject(subject), info.connection_id)
        await self._store.pipelined(dropped.commands("SREM"))

    async def forget(self, batch: Sequence[ConnectionInfo], *, records: str | None) -> None:
        """Remove connections from everywhere, the hash after the sets, the record at last.

        What others have written is not touched.
        """
        before = await self._subjects(batch)
        gone = _Members()
        for info, known in zip(batch, before, strict=True):
            gone.add(self._keys.user(info.user_id), info.connection_id)
            for subject in {*known, *info.subjects}:
                gone.add(self._keys.subject(subject), info.connection_id)
        ids = [info.connection_id for info in batch]
        commands = [*gone.commands("SREM"), *(("DEL", self._keys.connection(one)) for one in ids)]
        await self._store.pipelined(commands)
        if records is not None and ids:
            await self._store.call("HDEL", records, *ids)

    async def _subjects(self, batch: Sequence[ConnectionInfo]) -> list[tuple[str, ...]]:
        answers = await self._store.pipelined(
            ("HGET", self._keys.connection(info.connection_id), "subjects") for info in batch
        )
        return [decode_subjects(answer) for answer in answers]

    def _writes(self, some: Sequence[ConnectionInfo], records: str | None) -> Iterator[Command]:
        """Yield the record first, so that a crash leaves nothing that nobody cleans up."""
        if records is not None:
            pairs = ((info.connection_id, encode_record(info)) for info in some)
            yield ("HSET", records, *(part for pair in pairs for part in pair))
        members = _Members()
        for info in some:
            members.add(self._keys.user(info.user_id), info.connection_id)
            for subject in info.subjects:
                members.add(self._keys.subject(subject), info.connection_id)
        for command in members.commands("SADD"):
            yield command
            yield ("EXPIRE", command[1], self._ttl)
        seen = int(self._now())
        for info in some:
            key = self._keys.connection(info.connection_id)
            yield ("HSET", key, *hash_of(info, seen))
            yield ("EXPIRE", key, self._ttl)


class _Members:
    """Members by set, so that a set which many share takes one command."""

    def __init__(self) -> None:
        self._of: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, key: str, member: str) -> None:
        self._of[key].append(member)

    def commands(self, word: str) -> Iterator[Command]:
        for key, members in self._of.items():
            yield (word, key, *members)


def _portions(batch: Iterable[ConnectionInfo]) -> Iterator[list[ConnectionInfo]]:
    """Split a batch so that a portion takes about one pipeline, however many its subjects."""
    portion: list[ConnectionInfo] = []
    commands = 0
    for info in batch:
        portion.append(info)
        commands += 4 + 2 * len(info.subjects)
        if commands >= AT_ONCE:
            yield portion
            portion, commands = [], 0
    if portion:
        yield portion
