"""Whose turn it is: which consumer of a group is at work, by a lease in Redis."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from gatewright_sdk.errors import Unavailable

if TYPE_CHECKING:
    from gatewright_sdk.events.redis_group import Entry, Group

__all__ = ["Turn"]


class Turn:
    """One consumer's share in a lease that only one of them holds.

    Args:
        group: Talks to Redis.
        key: Where the lease is.
        holder: Who this is; a name that was used before is no other's proof.
        seconds: How long it holds when it is not renewed.
    """

    def __init__(self, group: Group, key: str, *, holder: str, seconds: float) -> None:
        self._group = group
        self._key = key
        self._token = f"{holder}:{os.urandom(8).hex()}"
        self.seconds = seconds
        self._sure_until = 0.0

    @property
    def is_sure(self) -> bool:
        """Whether no other consumer can be at work; time passes even while frozen."""
        return asyncio.get_running_loop().time() < self._sure_until

    async def take(self) -> bool:
        """Take it, or take it again; return whether it is this consumer's turn.

        Raises:
            Unavailable: Redis does not answer.
        """
        asked_at = asyncio.get_running_loop().time()
        if not await self._group.take_lease(self._key, self._token, self._milliseconds):
            return False
        self._sure_until = asked_at + self.seconds
        return True

    async def keep(self) -> None:
        """Renew it until it is lost."""
        while self.is_sure:
            await asyncio.sleep(self.seconds / 5)
            asked_at = asyncio.get_running_loop().time()
            with suppress(Unavailable):
                if not await self._group.keep_lease(self._key, self._token, self._milliseconds):
                    return
                self._sure_until = asked_at + self.seconds

    async def read_new(self, streams: Sequence[str], count: int, wait_ms: int) -> list[Entry]:
        """Return new entries, as `Group.read_new` does, while it is this consumer's turn.

        Raises:
            Unavailable: It is another one's, or Redis does not answer.
        """
        found = await self._group.read_new_as(self._key, self._token, streams, count, wait_ms)
        if found is None:
            msg = "another consumer of the group is at work"
            raise Unavailable(msg)
        return found

    async def give_back(self) -> None:
        """Let another one have it at once.

        Raises:
            Unavailable: Redis does not answer.
        """
        await self._group.leave_lease(self._key, self._token)

    @property
    def _milliseconds(self) -> int:
        return max(1, int(self.seconds * 1000))
