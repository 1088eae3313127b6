"""The transport's own dead letters: the stream that the contract names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

from gatewright import DeadLetter, StoredDeadLetter
from gatewright_redis_kit import AnyRedis, key_beside

__all__ = ["StreamDeadLetters"]

_NEW: Final = "new"


class StreamDeadLetters:
    """A `DeadLetterStore` over entries that have the fields ``reason`` and ``raw`` alone.

    Marks are in a hash beside the stream. Safe from many tasks; a command that is cancelled may
    have been done. Everything may raise what the client raises.
    """

    def __init__(self, client: AnyRedis, *, stream: str, target: str) -> None:
        self._client = client
        self._stream = stream
        self._marks = key_beside(stream, "marks")
        self._target = target

    async def put(self, records: Sequence[DeadLetter]) -> None:
        """Write records down, in order; only reason and payload are kept."""
        for record in records:
            await self._client.xadd(self._stream, {"reason": record.reason, "raw": record.payload})

    async def read(self, after: str | None = None, limit: int = 100) -> Sequence[StoredDeadLetter]:
        """Return up to ``limit`` records after the key ``after``, in the order of writing."""
        first = "-" if after is None else f"({after}"
        found = await self._client.xrange(self._stream, min=first, count=limit)
        entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", found)
        if not entries:
            return ()
        keys = [key.decode() for key, _ in entries]
        states = await cast("Any", self._client.hmget(self._marks, keys))
        return [
            self._stored(key, fields, state)
            for key, (_, fields), state in zip(keys, entries, states, strict=True)
        ]

    async def mark(self, key: str, state: str) -> None:
        """Give a record a state. An unknown key is no error."""
        if await self._client.xrange(self._stream, min=key, max=key):
            await cast("Any", self._client.hset(self._marks, key, state))

    async def remove(self, keys: Sequence[str]) -> int:
        """Remove records and their marks; return how many records there were."""
        if not keys:
            return 0
        removed = await self._client.xdel(self._stream, *keys)
        await cast("Any", self._client.hdel(self._marks, *keys))
        return int(removed)

    def _stored(
        self, key: str, fields: dict[bytes, bytes], state: bytes | None
    ) -> StoredDeadLetter:
        at = int(key.partition("-")[0]) / 1000
        letter = DeadLetter(
            id=key,
            kind="publication",
            target=self._target,
            reason=fields.get(b"reason", b"").decode(errors="replace"),
            payload=fields.get(b"raw", b""),
            first_at=at,
            last_at=at,
        )
        return StoredDeadLetter(key, letter, _NEW if state is None else state.decode())
