"""Nodes that share a bus, as the gateway runs them, without a gateway around."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import aiormq
import structlog
from aiormq.exceptions import ChannelNotFoundEntity
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from tests.support.survival import eventually

from gatewright import BusUnavailable, PluginContext, Publication
from gatewright_bus_rabbitmq import RabbitmqBusSettings, gatewright_bus

PATIENT = 40


class Node:
    """A node's bus, kept running, and what it was given."""

    def __init__(self, bus, metrics, matching):
        self.bus = bus
        self.metrics = metrics
        self.matching = matching
        self.given = []

    def deliver(self, message):
        self.given.append(message)
        return self.matching

    @property
    def payloads(self):
        return [int(one.payload) for one in self.given if isinstance(one, Publication)]

    @property
    def facts(self):
        return self.bus.health().facts

    @property
    def gaps(self):
        return self.facts.get("gaps", 0)

    async def keep_running(self):
        while True:
            try:
                await self.bus.run(self.deliver)
            except Exception:  # noqa: BLE001 - started again, whatever it was
                await asyncio.sleep(0.05)

    async def ready(self):
        return self.bus.health().ready

    async def red(self):
        return not self.bus.health().ready

    async def publish(self, number, *, count=False):
        return await self.bus.publish(Publication(("s",), str(number).encode()), count=count)

    async def publish_patiently(self, numbers):
        """Publish one after the other, each until it is accepted."""
        for number in numbers:
            while True:
                try:
                    await self.publish(number)
                except BusUnavailable:
                    await asyncio.sleep(0.05)
                else:
                    break

    async def until(self, count):
        async def there():
            return len(self.payloads) >= count

        await eventually(there, PATIENT)

    async def until_gap(self, count=1):
        async def told():
            return self.gaps >= count

        await eventually(told, PATIENT)


@asynccontextmanager
async def node(dsn, name, matching=1, *, wait=True, **options):
    settings = RabbitmqBusSettings(dsn=SecretStr(dsn), **options)
    metrics = CollectorRegistry()
    context = PluginContext(
        name="rabbitmq",
        log=structlog.get_logger(),
        metrics=metrics,
        node_id=name,
        spawn=lambda *_: None,
    )
    async with gatewright_bus().open(settings, context) as bus:
        made = Node(bus, metrics, matching)
        running = asyncio.create_task(made.keep_running())
        try:
            if wait:
                await eventually(made.ready, PATIENT)
            yield made
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def nodes(dsn, *matching, **options):
    """Run nodes ``n0``, ``n1``… that know of each other."""
    async with AsyncExitStack() as stack:
        made = [
            await stack.enter_async_context(node(dsn, f"n{number}", each, **options))
            for number, each in enumerate(matching)
        ]

        async def all_known():
            return all(each.facts["nodes"] == len(made) for each in made)

        await eventually(all_known, PATIENT)
        yield made


@asynccontextmanager
async def channel(dsn):
    """Open a channel of somebody else."""
    async with aiormq.connect(dsn) as connection:
        yield await connection.channel()


async def queue_exists(dsn, name):
    async with aiormq.connect(dsn) as connection:
        asked = await connection.channel()
        try:
            await asked.queue_declare(name, passive=True)
        except ChannelNotFoundEntity:
            return False
        return True
