"""The store, open, and a core that notes what it is told."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from tests.support.survival import eventually

from gatewright import ConnectionInfo, PluginContext, SystemClock
from gatewright_presence_redis import RedisPresence, gatewright_presence

LEASE = 3


def connection(number=1, user="42", *subjects):
    return ConnectionInfo(f"c-{number}", user, (f"user:{user}", *subjects), 1_700_000_000)


@dataclass
class Membership:
    """The core's side: what was lost, and whether it evicted."""

    told: list = field(default_factory=list)
    evicted: list = field(default_factory=list)
    fails: int = 0

    async def lost(self, connections):
        if self.fails:
            self.fails -= 1
            raise RuntimeError
        self.told += [one.connection_id for one in connections]

    def evict(self, why):
        self.evicted.append(why)
        return 1


@dataclass
class Node:
    presence: object
    membership: Membership
    running: asyncio.Task | None = None

    def start(self):
        self.running = asyncio.create_task(self.presence.run())

    async def stop(self):
        """Stop beating, as a process does that was killed or stands still."""
        if self.running is not None:
            self.running.cancel()
            await asyncio.gather(self.running, return_exceptions=True)
            self.running = None

    async def ready(self):
        return self.presence.health().ready


def context(node_id, membership, clock=None):
    return PluginContext(
        name="redis",
        log=structlog.get_logger(),
        metrics=CollectorRegistry(),
        node_id=node_id,
        spawn=lambda *_: None,
        clock=clock or SystemClock(),
        provided={"membership": membership},
    )


@asynccontextmanager
async def node(dsn, node_id="a", *, start=True, clock=None, **options):
    factory = gatewright_presence()
    settings = factory.settings(dsn=SecretStr(dsn), **{"lease_seconds": LEASE, **options})
    membership = Membership()
    async with factory.open(settings, context(node_id, membership, clock)) as presence:
        made = Node(presence, membership)
        if start:
            made.start()
        try:
            yield made
        finally:
            await made.stop()


async def crashed(dsn, node_id, connections):
    """Leave behind what a node leaves that is killed: its lease lapses by itself."""
    factory = gatewright_presence()
    settings = factory.settings(dsn=SecretStr(dsn), lease_seconds=LEASE)
    presence = RedisPresence(settings, context(node_id, Membership()))
    made = Node(presence, Membership())
    made.start()
    await eventually(made.ready)
    await presence.joined(connections)
    await made.stop()
    await presence.aclose()
