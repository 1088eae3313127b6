"""Dead letters in a stream; what was done with them in a hash beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final, cast

import anyio

from gatewright import DeadLetter, Health, StoredDeadLetter
from gatewright_events_redis.letters import fields_of, letter_of
from gatewright_events_redis.writing import Writer
from gatewright_redis_kit import UNAVAILABLE, AnyRedis, Cancellation, describe, key_beside

__all__ = ["StreamStore"]

_KEY: Final = re.compile(r"[0-9]{1,20}-[0-9]{1,20}", re.ASCII)
_LOOK_SECONDS: Final = 5.0


class NotAKey(ValueError):
    """A key is not one that this store gave."""

    def __str__(self) -> str:
        return "the key is not one that this store gave"


class StreamStore:
    """Keeps dead letters as entries; a key is an entry's id. Safe from many tasks."""

    def __init__(
        self,
        client: AnyRedis,
        writer: Writer,
        *,
        stream: str,
        max_length: int | None,
        shown: str,
    ) -> None:
        self._client = client
        self._writer = writer
        self._stream = stream
        self._marks = key_beside(stream, "marks")
        self._cap = () if max_length is None else ("MAXLEN", "~", str(max_length))
        self._shown = shown
        self._trouble = "not asked yet"

    async def put(self, records: Sequence[DeadLetter]) -> None:
        """Add records in order, in one round trip; being cancelled leaves open which are there.

        Raises:
            RedisError: Some are not known to be there.
        """
        start = ("XADD", self._stream, *self._cap, "*")
        answers = await self._writer.write(
            [(*start, *chain.from_iterable(fields_of(record).items())) for record in records]
        )
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer

    async def read(self, after: str | None = None, limit: int = 100) -> Sequence[StoredDeadLetter]:
        """Return up to ``limit`` records in the order of writing, after the key ``after``.

        Raises:
            ValueError: ``after`` is no key of this store.
            RedisError: Redis does not answer.
        """
        if after is not None and _KEY.fullmatch(after) is None:
            raise NotAKey
        start = "-" if after is None else f"({after}"
        client = cast("Any", self._client)
        entries = await client.xrange(self._stream, min=start, max="+", count=limit)
        if not entries:
            return []
        states = await client.hmget(self._marks, [entry_id for entry_id, _ in entries])
        return [
            StoredDeadLetter(
                key=entry_id.decode(),
                letter=letter_of(entry_id.decode(), fields),
                state="new" if state is None else state.decode(errors="replace"),
            )
            for (entry_id, fields), state in zip(entries, states, strict=True)
        ]

    async def mark(self, key: str, state: str) -> None:
        """Give a record a state. An unknown key is no error."""
        if _KEY.fullmatch(key) is None:
            return
        client = cast("Any", self._client)
        if await client.xrange(self._stream, min=key, max=key, count=1):
            await client.hset(self._marks, key, state)

    async def remove(self, keys: Sequence[str]) -> int:
        """Remove records for good and return how many there were."""
        known = [key for key in keys if _KEY.fullmatch(key) is not None]
        if not known:
            return 0
        client = cast("Any", self._client)
        removed: int = await client.xdel(self._stream, *known)
        await client.hdel(self._marks, *known)
        return removed

    async def run(self) -> None:
        """Ask Redis how it is, for ``/ready``."""
        cancellation = Cancellation()
        while True:
            try:
                await self._client.execute_command("PING")
            except UNAVAILABLE as error:
                self._trouble = describe(error)
            else:
                self._trouble = ""
            cancellation.check()
            await anyio.sleep(1.0 if self._trouble else _LOOK_SECONDS)

    def health(self) -> Health:
        """Tell whether Redis answered lately."""
        detail = f"{self._shown}: {self._trouble}" if self._trouble else ""
        return Health(not self._trouble, detail, {"redis": self._shown})
