"""Finds nodes that are gone, takes their records, and does what they no longer can."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from gatewright import ConnectionInfo
from gatewright_presence_redis.counters import Counters
from gatewright_presence_redis.keys import Keys, inherited
from gatewright_presence_redis.lease import CLAIMED_SECONDS, Lease
from gatewright_presence_redis.records import decode_record
from gatewright_presence_redis.scripts import CLAIM
from gatewright_presence_redis.store import Store
from gatewright_presence_redis.writing import Writer

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = ["Cleaner", "Watch"]

_BATCH: Final = 200
_NOTHING: Final = -2
_ALIVE: Final = -1

Lost = Callable[[Sequence[ConnectionInfo]], Awaitable[None]]


class Watch:
    """Looks which nodes live, and claims those that do not.

    Attributes:
        others: Live nodes beside this one, as of the last look.
    """

    def __init__(
        self,
        store: Store,
        keys: Keys,
        node_id: str,
        lease: Lease,
        *,
        counters: Counters,
        log: FilteringBoundLogger,
    ) -> None:
        self._store = store
        self._keys = keys
        self._node_id = node_id
        self._own = keys.of(node_id)
        self._lease = lease
        self._counters = counters
        self._log = log
        self.others = 0

    async def look(self) -> int:
        """Count the live nodes; claim those whose lease has lapsed, once we may.

        Where our own lease has lapsed too, it is Redis that lost time (its clock jumped, it stood
        still), and nobody is judged by that. Being cancelled or failing half-way loses nothing: a
        claim is listed before it is made.

        Returns:
            How many nodes were claimed.
        """
        members = await self._store.call("SMEMBERS", self._keys.nodes)
        nodes = [one for one in (_text(each) for each in members) if one not in {"", self._node_id}]
        own, *leases = await self._store.pipelined(
            ("GET", keys.lease) for keys in (self._own, *map(self._keys.of, nodes))
        )
        self.others = sum(lease is not None for lease in leases)
        lapsed = [one for one, lease in zip(nodes, leases, strict=True) if lease is None]
        if own != self._lease.token.encode():
            return 0
        random.shuffle(lapsed)  # so that survivors share them
        claimed = 0
        for node in lapsed:
            if self._lease.may_claim:
                claimed += await self._claim(node)
        return claimed

    async def _claim(self, node: str) -> bool:
        its = self._keys.of(node)
        claim = its.claim(uuid4().hex)
        await self._store.call("SADD", self._own.claims, claim)
        keys = (its.lease, its.owner, its.conns, its.claims, its.claimed, claim, inherited(claim))
        count = await self._store.script(CLAIM, keys, CLAIMED_SECONDS)
        if count in {_ALIVE, _NOTHING}:
            await self._store.call("SREM", self._own.claims, claim)
        if count == _ALIVE:
            return False
        await self._strike(node)
        if count == _NOTHING:
            return False
        self._counters.claims.inc()
        self._log.warning("node is gone, its connections are ours", node=node, records=count)
        return True

    async def _strike(self, node: str) -> None:
        """Take a node off the list, unless it is back by now."""
        await self._store.call("SREM", self._keys.nodes, node)
        if await self._store.call("EXISTS", self._keys.of(node).lease):
            await self._store.call("SADD", self._keys.nodes, node)


class Cleaner:
    """Works off this node's claims: presence is removed, the loss is told, the record goes last.

    All that it knows is in Redis, so that whoever claims this node can go on.

    Attributes:
        open: Claims that are not done with yet, as of the last look.
    """

    def __init__(
        self,
        store: Store,
        claims: str,
        lease: Lease,
        writer: Writer,
        lost: Lost,
        *,
        counters: Counters,
        log: FilteringBoundLogger,
    ) -> None:
        self._store = store
        self._claims = claims
        self._lease = lease
        self._writer = writer
        self._lost = lost
        self._counters = counters
        self._log = log
        self.open = 0

    async def clean(self) -> None:
        """Work off all claims there are, once through.

        Being cancelled leaves the rest for later; what was under way is told again, with the same
        ids.

        Raises:
            Exception: Redis is away, or what `lost` raises; to be called again.
        """
        pending = [_text(each) for each in await self._store.call("SMEMBERS", self._claims)]
        self.open = len(pending)
        while pending:
            claim = pending.pop()
            pending += await self._adopt(claim)
            self.open = len(pending) + 1
            if not await self._work_off(claim):
                return
            await self._store.call("SREM", self._claims, claim)
            self.open = len(pending)

    async def _adopt(self, claim: str) -> list[str]:
        """Make the claims of a dead claimer ours."""
        key = inherited(claim)
        found = await self._store.call("SMEMBERS", key)
        if found:
            await self._store.call("SADD", self._claims, *found)
            await self._store.call("DEL", key)
        return [_text(each) for each in found]

    async def _work_off(self, claim: str) -> bool:
        """Work a claim off; ``False``: our own lease is in doubt, so others may be at it."""
        while await self._store.call("EXISTS", claim):
            cursor = -1
            while cursor != 0:
                answer = await self._store.call("HSCAN", claim, max(cursor, 0), "COUNT", _BATCH)
                cursor = int(answer[0])
                records = list(answer[1].items())
                for start in range(0, len(records), _BATCH):
                    if not self._lease.is_held:
                        return False
                    await self._tell(claim, records[start : start + _BATCH])
        return True

    async def _tell(self, claim: str, records: Sequence[tuple[bytes, bytes]]) -> None:
        decoded = [decode_record(value) for _, value in records]
        infos = [info for info in decoded if info is not None]
        if len(infos) < len(records):
            self._log.warning("unreadable records are dropped", records=len(records) - len(infos))
        if infos:
            await self._writer.forget(infos, records=None)
            await self._lost(infos)
            self._counters.lost.inc(len(infos))
        await self._store.call("HDEL", claim, *(name for name, _ in records))


def _text(value: bytes) -> str:
    return value.decode(errors="replace")
