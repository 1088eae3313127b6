"""The ``redis`` presence store: its life, and what it says about itself."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import anyio

from gatewright import ConnectionInfo, ConnectionPage, Health, PluginContext
from gatewright_presence_redis.claims import Cleaner, Watch
from gatewright_presence_redis.counters import Counters
from gatewright_presence_redis.finding import Finder
from gatewright_presence_redis.keys import Keys
from gatewright_presence_redis.lease import Lease, Standing
from gatewright_presence_redis.records import decode_record, encode_record
from gatewright_presence_redis.settings import RedisPresenceSettings
from gatewright_presence_redis.store import AT_ONCE, Store
from gatewright_presence_redis.writing import Writer
from gatewright_redis_kit import UNAVAILABLE, Connection, Pauses, describe

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = ["RedisPresence", "open_presence"]

_REFRESH_SECONDS: Final = 20.0
_LEAVE_SECONDS: Final = 2.0
_CLAIMED: Final = "claimed by another node"
_AWAY: Final[tuple[type[Exception], ...]] = (*UNAVAILABLE, TimeoutError)


class RedisPresence:
    """Presence of all nodes in one Redis.

    `joined`, `left` and `refresh` raise while Redis is away and can then be called again with the
    same connections; `find` raises what the client raises.
    """

    def __init__(self, settings: RedisPresenceSettings, context: PluginContext) -> None:
        """Put the store together; no I/O before `run`."""
        connection = Connection.parse(settings.dsn)
        keys = Keys(settings.prefix)
        self._shown = connection.shown
        self._context = context
        self._log: FilteringBoundLogger = context.log
        self._ttl = settings.ttl_seconds
        self._nodes = keys.nodes
        self._own = keys.of(context.node_id)
        self._store = Store(connection.commands())
        self._counters = Counters(context.name, context.metrics)
        self._lease = Lease(self._store, self._own, settings.lease_seconds, context.clock)
        self._writer = Writer(
            self._store, keys, ttl_seconds=settings.ttl_seconds, now=self._lease.now
        )
        self._finder = Finder(self._store, keys, now=self._lease.now)
        self._watch = Watch(
            self._store,
            keys,
            context.node_id,
            self._lease,
            counters=self._counters,
            log=context.log,
        )
        self._cleaner = Cleaner(
            self._store,
            self._own.claims,
            self._lease,
            self._writer,
            context.membership.lost,
            counters=self._counters,
            log=context.log,
        )
        self._owed: dict[str, ConnectionInfo] = {}  # written without a record, for want of a lease
        self._told = Standing.UNKNOWN
        self._trouble: dict[str, str] = {}
        self._claimed = asyncio.Event()  # there are claims to work off

    @property
    def refresh_seconds(self) -> float | None:
        """How often each connection must be refreshed."""
        return min(self._ttl / 3, _REFRESH_SECONDS)

    async def joined(self, batch: Sequence[ConnectionInfo]) -> None:
        """Write connections, or their new subjects in place of the old.

        Raises:
            Exception: Redis is away, or the lease is in doubt; some may be written.
        """
        with_records = await self._lease.permit()
        await self._writer.unlist(batch)
        await self._write(batch, with_records=with_records)

    async def refresh(self, batch: Sequence[ConnectionInfo]) -> None:
        """Write connections whole again, whatever is left of them.

        Raises:
            Exception: As `joined`.
        """
        await self._write(batch, with_records=await self._lease.permit())

    async def left(self, batch: Sequence[ConnectionInfo]) -> None:
        """Remove connections; entries that others wrote stay.

        Raises:
            Exception: Redis is away; some may be removed.
        """
        for info in batch:
            self._owed.pop(info.connection_id, None)
        unfenced = self._lease.standing is Standing.UNFENCED
        await self._writer.forget(batch, records=None if unfenced else self._own.conns)

    async def find(
        self,
        *,
        subject: str | None = None,
        user_id: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> ConnectionPage:
        """Find connections of all nodes, in no particular order.

        Raises:
            ValueError: ``cursor`` is not one this store gave.
        """
        return await self._finder.find(subject=subject, user_id=user_id, cursor=cursor, limit=limit)

    def other_nodes(self) -> int:
        """Return how many other nodes were alive at the last look."""
        return self._watch.others

    async def run(self) -> None:
        """Keep the lease, watch the other nodes and clean up after them, until cancelled.

        A Redis that is away is waited for; it raises only what nobody foresaw.
        """
        every = self._lease.seconds / 3
        async with anyio.create_task_group() as group:
            group.start_soon(self._forever, "lease", self._beat, every)
            group.start_soon(self._forever, "nodes", self._watch_others, every)
            group.start_soon(self._forever, "claims", self._clean, every, self._claimed)

    def health(self) -> Health:
        """Return whether presence is written, and what else there is to know."""
        lease = self._lease
        node = self._context.node_id
        details = {
            Standing.UNKNOWN: f"{self._shown}: {lease.error or 'not connected yet'}",
            Standing.DUPLICATE: f"node id {node} is in use by another process",
            Standing.WAITING: f"node id {node} waits for the end of its former life",
            Standing.CLAIMED: f"node id {node} was {_CLAIMED}",
            Standing.UNFENCED: f"{self._shown}: no permission for EVAL or the keys "
            f"{self._own.base}:*, so nobody cleans up after crashed nodes",
            Standing.HELD: "; ".join(self._trouble.values()),
        }
        working = lease.standing in {Standing.HELD, Standing.UNFENCED}
        detail = f"{self._shown}: {lease.error}" if lease.error else details[lease.standing]
        return Health(
            ready=working and not lease.error,
            detail=detail,
            facts={
                "connected": lease.is_fresh and not lease.error,
                "other_nodes": self._watch.others,
                "open_claims": self._cleaner.open,
            },
        )

    async def leave(self) -> None:
        """Remove what this node keeps in Redis; gives up after 2 s where that is away."""
        try:
            with anyio.fail_after(_LEAVE_SECONDS):
                await self._remove_own()
        except _AWAY as error:
            self._log.warning("presence is left to the other nodes", error=describe(error))

    async def aclose(self) -> None:
        """Close the connections, and take the counters out of the registry."""
        self._counters.unregister()
        await self._store.aclose()

    async def _write(self, batch: Sequence[ConnectionInfo], *, with_records: bool) -> None:
        if self._lease.standing in {Standing.DUPLICATE, Standing.WAITING}:
            self._owed |= {info.connection_id: info for info in batch}
        await self._writer.write(batch, records=self._own.conns if with_records else None)

    async def _forever(
        self,
        name: str,
        step: Callable[[], Awaitable[None]],
        every: float,
        hurry: asyncio.Event | None = None,
    ) -> None:
        """Take a step again and again; ``hurry`` cuts a pause short."""
        pauses = Pauses(self._context.clock)
        hurry = hurry or asyncio.Event()
        while True:
            try:
                await step()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next step may do
                self._failed(name, error)
                pause = min(pauses.next(), max(every, 1.0))
            else:
                self._succeeded(name)
                pauses.reset()
                pause = every * random.uniform(0.9, 1.0)  # noqa: S311 - so that nodes fall out of step
            with anyio.move_on_after(pause):
                await hurry.wait()
                hurry.clear()

    def _failed(self, name: str, error: Exception) -> None:
        text = describe(error)
        if name == "lease":
            self._lease.failed(text)
        if name not in self._trouble:
            self._log.warning("presence in Redis has trouble", part=name, error=text)
        self._trouble[name] = f"{name}: {text}"

    def _succeeded(self, name: str) -> None:
        if self._trouble.pop(name, None):
            self._log.info("presence in Redis works again", part=name)

    async def _beat(self) -> None:
        standing = await self._lease.beat()
        if standing is Standing.CLAIMED:
            self._evict()
            await self._lease.begin_anew()
            standing = await self._lease.beat()
        if standing is Standing.DUPLICATE:
            self._counters.conflicts.inc()
        self._tell(standing)
        if standing is Standing.HELD:
            await self._store.call("SADD", self._nodes, self._context.node_id)
            await self._pay()

    def _evict(self) -> None:
        self._counters.evictions.inc()
        self._owed.clear()
        self._context.membership.evict(_CLAIMED)

    async def _pay(self) -> None:
        """Write the records that could not be written before there was a lease."""
        while self._owed:
            some = dict(list(self._owed.items())[:AT_ONCE])
            records = [
                part for one in some.values() for part in (one.connection_id, encode_record(one))
            ]
            await self._store.call("HSET", self._own.conns, *records)
            gone = [one for one in some if self._owed.pop(one, None) is None]
            if gone:  # left meanwhile
                await self._store.call("HDEL", self._own.conns, *gone)

    def _tell(self, standing: Standing) -> None:
        if standing is self._told:
            return
        self._told = standing
        if standing is Standing.HELD:
            self._log.info("lease is held", node=self._context.node_id)
        else:
            self._log.warning("lease is not held", node=self._context.node_id, why=standing.value)

    async def _watch_others(self) -> None:
        if self._lease.is_held and await self._watch.look():
            self._claimed.set()

    async def _clean(self) -> None:
        if self._lease.is_held:
            await self._cleaner.clean()

    async def _remove_own(self) -> None:
        if self._lease.standing in {Standing.UNKNOWN, Standing.UNFENCED}:
            return
        if not await self._lease.owns():
            return
        records = (await self._store.call("HGETALL", self._own.conns)).values()
        infos = [info for info in map(decode_record, records) if info is not None]
        for start in range(0, len(infos), AT_ONCE):
            await self._writer.forget(infos[start : start + AT_ONCE], records=None)
        if await self._lease.release():
            await self._store.call("SREM", self._nodes, self._context.node_id)


@asynccontextmanager
async def open_presence(
    settings: RedisPresenceSettings, context: PluginContext
) -> AsyncIterator[RedisPresence]:
    """Make the client; Redis may be away. Leaves nothing behind at the end."""
    Connection.parse(settings.dsn).check()
    presence = RedisPresence(settings, context)
    try:
        try:
            yield presence
        finally:
            await presence.leave()
    finally:
        await presence.aclose()
