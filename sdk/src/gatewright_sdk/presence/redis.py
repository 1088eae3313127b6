"""Who is connected, from the keys that a gateway keeps in Redis."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from gatewright_sdk.config import RedisPresenceSettings
from gatewright_sdk.errors import needing
from gatewright_sdk.model import Connection
from gatewright_sdk.presence.interpreter import is_there

if TYPE_CHECKING:
    from gatewright_sdk.links.redis import RedisLink

__all__ = ["RedisPresence"]

_PAGE: Final = 500


class RedisPresence:
    """Reads what the gateway's ``presence.redis`` keeps. Needs ``gatewright-sdk[redis]``.

    Entries whose gateway has died are hidden once they are older than a living gateway lets them
    become: 45 seconds, unless the settings say otherwise. Clocks of gateways and backends should
    agree to a few seconds.

    Without a filter the whole database is scanned, a page at a time.

    Args:
        settings: Which Redis, which prefix, and which entries count.

    Raises:
        MissingExtra: The library is not installed.
        ConfigurationError: The address is none.
    """

    def __init__(self, settings: RedisPresenceSettings) -> None:
        self._link = _link(settings)
        self._prefix = settings.prefix
        self._how = settings.interpretation

    async def connections(
        self, *, subject: str | None = None, user_id: str | None = None
    ) -> list[Connection]:
        """Read all that match; the timeout is that of one page. See `PresenceProvider`."""
        found: list[Connection] = []
        async for ids in self._ids(subject, user_id):
            found += await self._read(ids)
        return [one for one in found if _matches(one, subject, user_id)]

    async def is_online(self, user_id: str) -> bool:
        """Read a user's connections; see `PresenceProvider`."""
        return bool(await self.connections(user_id=user_id))

    async def close(self) -> None:
        """Close the connections."""
        await self._link.close()

    async def _ids(self, subject: str | None, user_id: str | None) -> AsyncIterator[list[bytes]]:
        if user_id:
            ids = await self._members(f"user:{user_id}")
        elif subject:
            ids = await self._members(f"subject:{subject}")
        else:
            ids = await self._scanned()
        for page in _pages(ids):
            yield page

    async def _members(self, name: str) -> set[bytes]:
        async with self._link.answered():
            members: set[bytes] = await self._client.smembers(self._prefix + name)
        return members

    async def _scanned(self) -> set[bytes]:
        """Return the ids of all connections; a scan may tell of one twice, hence a set."""
        start = f"{self._prefix}conn:".encode()
        ids: set[bytes] = set()
        cursor: int | None = None
        while cursor != 0:
            async with self._link.answered():
                cursor, keys = await self._client.scan(
                    cursor or 0, match=_literal(start) + b"*", count=_PAGE
                )
            ids.update(key.removeprefix(start) for key in keys)
        return ids

    async def _read(self, ids: Iterable[bytes]) -> list[Connection]:
        start = f"{self._prefix}conn:".encode()
        async with self._link.answered(), self._client.pipeline(transaction=False) as pipeline:
            for each in ids:
                pipeline.hgetall(start + each)
            entries: list[Mapping[bytes, bytes]] = await pipeline.execute()
        now = time.time()
        read = (_connection(entry) for entry in entries)
        return [one for one in read if one is not None and is_there(one, self._how, now)]

    @property
    def _client(self) -> Any:  # noqa: ANN401 - its commands are typed for both its faces at once
        return self._link.client


def _link(settings: RedisPresenceSettings) -> RedisLink:
    with needing("RedisPresence", "redis"):
        from gatewright_sdk.links.redis import RedisLink  # noqa: PLC0415 - optional
    return RedisLink(settings.dsn, settings.timeout_seconds)


def _pages(ids: Iterable[bytes]) -> Iterable[list[bytes]]:
    rest = iter(ids)
    while page := list(islice(rest, _PAGE)):
        yield page


def _literal(text: bytes) -> bytes:
    """Return a pattern that matches ``text`` alone."""
    return b"".join(b"\\" + bytes([each]) if each in b"*?[]\\" else bytes([each]) for each in text)


def _connection(entry: Mapping[bytes, bytes]) -> Connection | None:
    """Read a hash; None where it is gone, or is none that a gateway wrote."""
    try:
        subjects = json.loads(entry[b"subjects"])
        return Connection(
            connection_id=entry[b"connection_id"].decode(),
            user_id=entry[b"user_id"].decode(),
            subjects=tuple(map(str, subjects)),
            connected_at=int(entry[b"connected_at"]),
            last_seen_at=int(entry[b"last_seen_at"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _matches(connection: Connection, subject: str | None, user_id: str | None) -> bool:
    right_user = not user_id or connection.user_id == user_id
    return right_user and (not subject or subject in connection.subjects)
