"""A consumer group of Redis streams: the commands, and what their answers mean. Needs Redis 6.2."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    RedisError,
    ResponseError,
)

from gatewright_sdk.errors import Refused, Unavailable
from gatewright_sdk.links.addresses import redis_shown
from gatewright_sdk.links.redis import client_of

__all__ = ["Entry", "Group", "GroupGone", "letter"]

_TIMEOUT: Final = 5.0
_FOR_GOOD: Final = ("WRONGTYPE", "NOAUTH", "WRONGPASS", "NOPERM", "ERR unknown command")
_LONG_AGO_MS: Final = 3_600_000

_TAKE: Final = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_KEEP: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_READ: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local words = {'XREADGROUP', 'GROUP', ARGV[2], ARGV[3], 'COUNT', ARGV[4], 'STREAMS'}
for i = 2, #KEYS do words[#words + 1] = KEYS[i] end
for i = 2, #KEYS do words[#words + 1] = '>' end
return redis.call(unpack(words)) or {}
"""
_LEAVE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class GroupGone(Unavailable):
    """The stream or its group was deleted; it is made again by `Group.ensure`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a stream, delivered to this consumer.

    Attributes:
        stream: Where it is.
        id: Its id there.
        fields: What it holds.
        deliveries: How often it was delivered, this time included.
    """

    stream: str
    id: str
    fields: Mapping[bytes, bytes]
    deliveries: int


class Group:
    """One consumer of a group, on one Redis.

    Safe from many tasks. Every method raises `Unavailable` where Redis does not answer, and
    `Refused` where it will not.

    Args:
        dsn: ``redis://``, ``rediss://`` or ``unix://``.
        name: The group.
        consumer: Its member.

    Raises:
        ConfigurationError: The address is none.
    """

    def __init__(self, dsn: str, *, name: str, consumer: str) -> None:
        self._client = client_of(dsn, _TIMEOUT)
        for command in ("XREAD", "XREADGROUP", "XPENDING", "XAUTOCLAIM", "XCLAIM"):
            self._client.set_response_callback(command, _as_it_came)
        self.shown = redis_shown(dsn)
        self._name = name
        self._consumer = consumer
        self._positions: dict[str, str] = {}

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def ensure(self, stream: str, start: str) -> None:
        """Make the group where it is missing.

        One that was there before begins where it was, or at the beginning of a stream that was
        made anew.
        """
        with suppress(_Busy):
            begin = await self._start(stream, start)
            await self._call("XGROUP", "CREATE", stream, self._name, begin, "MKSTREAM")
        async with self._answered():
            groups = await self._client.xinfo_groups(stream)
        for group in groups:
            if group["name"] == self._name.encode():
                self._positions[stream] = group["last-delivered-id"].decode()

    async def read_new(self, streams: Sequence[str], count: int, wait_ms: int) -> list[Entry]:
        """Return entries that nobody was given yet; wait up to ``wait_ms`` for the first."""
        words = ("GROUP", self._name, self._consumer, "COUNT", count, "BLOCK", wait_ms)
        answer = await self._call("XREADGROUP", *words, "STREAMS", *streams, *[">"] * len(streams))
        return self._new(answer)

    async def read_new_as(
        self, key: str, token: str, streams: Sequence[str], count: int, wait_ms: int
    ) -> list[Entry] | None:
        """Do the same while a lease is held, in one step; None once it is another's.

        Whoever was frozen on its way to Redis takes nothing from its successor so.
        """
        words = (token, self._name, self._consumer, count)
        answer = await self._call("EVAL", _READ, 1 + len(streams), key, *streams, *words)
        if answer == 0:
            return None
        if not answer:  # wait without taking anything
            after = [self._positions.get(stream, "$") for stream in streams]
            await self._call("XREAD", "COUNT", 1, "BLOCK", wait_ms, "STREAMS", *streams, *after)
        return self._new(answer)

    def _new(self, answer: Any) -> list[Entry]:  # noqa: ANN401 - as the command
        entries = [
            Entry(name.decode(), each_id.decode(), _paired(fields or ()), 1)
            for name, found in answer or ()
            for each_id, fields in found
        ]
        for entry in entries:
            self._positions[entry.stream] = entry.id
        return entries

    async def own_pending(self, stream: str, after: str, count: int) -> list[str]:
        """Return the ids that this consumer was given and has not acknowledged."""
        words = (stream, self._name, f"({after}", "+", count, self._consumer)
        return [row[0].decode() for row in await self._call("XPENDING", *words)]

    async def take_over(
        self, stream: str, *, idle_ms: int, cursor: str, count: int
    ) -> tuple[str, list[str], int]:
        """Take entries from consumers that have not touched them for so long.

        Returns:
            Where to go on (``0-0`` at the end), the ids, and how many were deleted meanwhile.
        """
        words = (stream, self._name, self._consumer, idle_ms, cursor, "COUNT", count, "JUSTID")
        answer = await self._call("XAUTOCLAIM", *words)
        deleted = len(answer[2]) if len(answer) > 2 else 0  # noqa: PLR2004 - since Redis 7.0
        return answer[0].decode(), [each.decode() for each in answer[1]], deleted

    async def deliver_again(self, stream: str, ids: Sequence[str]) -> list[Entry]:
        """Count one more delivery of entries to this consumer; the deleted ones are left out."""
        if not ids:
            return []
        claimed = await self._call("XCLAIM", stream, self._name, self._consumer, 0, *ids)
        found = {one[0].decode(): _paired(one[1]) for one in claimed if one and one[1] is not None}
        if not found:
            return []
        words = (stream, self._name, ids[0], ids[-1], len(ids) + _SPARE, self._consumer)
        counts = {row[0].decode(): int(row[3]) for row in await self._call("XPENDING", *words)}
        return [
            Entry(stream, each, found[each], counts.get(each, 1)) for each in ids if each in found
        ]

    async def touch(self, stream: str, ids: Sequence[str]) -> None:
        """Show that entries are being worked on; this is no delivery."""
        await self._call("XCLAIM", stream, self._name, self._consumer, 0, *ids, "JUSTID")

    async def acknowledge(self, stream: str, ids: Iterable[str]) -> None:
        """Say that entries are done with."""
        await self._call("XACK", stream, self._name, *ids)

    async def bury(self, stream: str, fields: Mapping[str, bytes | str | int]) -> None:
        """Add a dead letter to another stream."""
        words: list[Any] = [word for pair in fields.items() for word in pair]
        await self._call("XADD", stream, "*", *words)

    async def tidy(self, stream: str, *, itself: bool = False) -> None:
        """Forget members that hold nothing and were not seen for an hour; or this one."""
        async with self._answered():
            members = await self._client.xinfo_consumers(stream, self._name)
        for member in members:
            own = member["name"] == self._consumer.encode()
            long_gone = not own and member["idle"] > _LONG_AGO_MS
            if member["pending"] == 0 and (long_gone or (own and itself)):
                await self._call("XGROUP", "DELCONSUMER", stream, self._name, member["name"])

    async def take_lease(self, key: str, token: str, ttl_ms: int) -> bool:
        """Take or renew what only one may hold; return whether it is held."""
        return bool(await self._call("EVAL", _TAKE, 1, key, token, ttl_ms))

    async def keep_lease(self, key: str, token: str, ttl_ms: int) -> bool:
        """Renew it; return whether it was still held."""
        return bool(await self._call("EVAL", _KEEP, 1, key, token, ttl_ms))

    async def leave_lease(self, key: str, token: str) -> None:
        """Let another one take it at once."""
        await self._call("EVAL", _LEAVE, 1, key, token)

    async def _start(self, stream: str, start: str) -> str:
        position = self._positions.get(stream)
        if position is None:
            return start
        try:
            async with self._answered():
                newest = (await self._client.xinfo_stream(stream))["last-generated-id"].decode()
        except GroupGone:
            return "0"  # there is no such stream
        return position if _numbers(newest) >= _numbers(position) else "0"

    async def _call(self, *words: Any) -> Any:  # noqa: ANN401 - as the commands
        async with self._answered():
            return await self._client.execute_command(*words)  # type: ignore[no-untyped-call]

    @asynccontextmanager
    async def _answered(self) -> AsyncIterator[None]:
        """Turn the library's errors into this package's."""
        try:
            yield
        except (AuthenticationError, NoPermissionError) as error:
            raise self._refused(error) from None
        except ResponseError as error:
            text = str(error)
            if "BUSYGROUP" in text:
                raise _Busy from None
            if "NOGROUP" in text or "no such key" in text:
                msg = f"redis {self.shown}: the group {self._name} is gone"
                raise GroupGone(msg) from None
            if text.startswith(_FOR_GOOD) or "unknown command" in text:
                raise self._refused(error) from None
            msg = f"redis {self.shown}: {text}"
            raise Unavailable(msg) from None
        except (RedisError, OSError, TimeoutError) as error:
            msg = f"redis {self.shown} does not answer: {type(error).__name__}"
            raise Unavailable(msg) from None

    def _refused(self, error: RedisError) -> Refused:
        return Refused(f"redis {self.shown} refuses: {error}")


_SPARE: Final = 10_000
"""More entries of this consumer may lie between those that are asked for."""


class _Busy(Exception):
    """The group is there."""


def letter(entry: Entry, reason: str) -> dict[str, bytes | str | int]:
    """Return a dead letter: what could not be handled, and why."""
    fields = {name.decode(errors="replace"): value for name, value in entry.fields.items()}
    shown = {name: value.decode(errors="replace") for name, value in fields.items()}
    raw = fields.get("data")
    kept: dict[str, bytes] = {name: fields[name] for name in _KEPT if name in fields}
    return {
        "reason": reason,
        "raw": json.dumps(shown) if raw is None else raw,
        "stream": entry.stream,
        "entry": entry.id,
        "deliveries": entry.deliveries,
        **kept,
    }


_KEPT: Final[tuple[str, ...]] = ("id", "seq")


def _as_it_came(response: Any, **_options: Any) -> Any:  # noqa: ANN401 - as the commands
    return response


def _paired(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _numbers(entry_id: str) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number or 0)
