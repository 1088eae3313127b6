"""What the tests of this plugin share: a transport that runs, and what it published."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
import structlog
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from structlog.testing import LogCapture

from gatewright import DeadLetter, PluginContext, Publication, PublicationLimits, Receipt
from gatewright.testing.brokers.redis_server import RedisServer
from gatewright_redis_kit import UNAVAILABLE, Connection
from gatewright_transport_redis import (
    RedisStreamSettings,
    RedisStreamTransport,
    gatewright_transport,
)

PATIENCE = 40.0


@dataclass
class Letters:
    """The gateway's dead letters, in memory."""

    records: list[DeadLetter] = field(default_factory=list)
    refusals: int = 0

    async def put(self, records: Sequence[DeadLetter]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise OSError(28, "No space left on device")
        self.records.extend(records)


@dataclass(eq=False)
class Node:
    """One node's transport: running, with all it published."""

    transport: RedisStreamTransport
    letters: Letters
    captured: LogCapture
    metrics: CollectorRegistry
    published: list[Publication] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    async def publish(self, publication: Publication, *, count: bool = True) -> Receipt:
        assert not count
        self.published.append(publication)
        return Receipt(None)

    @property
    def numbers(self) -> list[Any]:
        return [json.loads(each.payload) for each in self.published]

    @property
    def logged(self) -> list[str]:
        return [entry["event"] for entry in self.captured.entries]

    def metric(self, name: str, **labels: str) -> float:
        value = self.metrics.get_sample_value(f"gatewright_redis_stream_{name}", labels)
        return 0.0 if value is None else value

    def start(self) -> None:
        self.task = asyncio.create_task(self.transport.run(self.publish))

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task
            self.task = None

    async def ready(self) -> None:
        await until(lambda: self.transport.health().ready)

    async def hears(self, count: int) -> list[Any]:
        """Wait for so many publications, then for what should not come after them."""
        await until(lambda: len(self.published) >= count, lambda: f"{len(self.published)} came")
        await asyncio.sleep(0.05)
        return self.numbers


async def until(condition: Any, told: Any = str) -> None:
    with anyio.move_on_after(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)
    assert condition(), told()


@asynccontextmanager
async def opened(dsn: str, *, limits: PublicationLimits | None = None, **options: Any):
    """Open the transport as the core would, without running it."""
    letters, captured, registry = Letters(), LogCapture(), CollectorRegistry()
    context = PluginContext(
        name="redis_stream",
        log=structlog.wrap_logger(
            None,
            processors=[captured],
            wrapper_class=structlog.make_filtering_bound_logger(0),
        ),
        metrics=registry,
        node_id="gw-1",
        spawn=lambda *_: None,
        limits=limits or PublicationLimits(),
        provided={"dead_letters": letters},
    )
    settings = RedisStreamSettings(dsn=SecretStr(dsn), **options)
    async with gatewright_transport().open(settings, context) as transport:
        yield Node(transport, letters, captured, registry)
    assert not list(registry.collect())


@asynccontextmanager
async def running(dsn: str, *, wait: bool = True, **options: Any) -> AsyncIterator[Node]:
    """Run a node, reading from now on."""
    async with opened(dsn, **options) as node:
        node.start()
        try:
            if wait:
                await node.ready()
            yield node
        finally:
            await node.stop()


@dataclass
class Publisher:
    """A backend, and whoever else has a client of the same Redis."""

    client: Any

    async def add(self, *numbers: int, **fields: Any) -> None:
        pipeline = self.client.pipeline(transaction=False)
        for each in numbers:
            pipeline.xadd("ws.outbox", {"data": entry(each)} | fields)
        await pipeline.execute()

    async def add_surely(self, number: int) -> None:
        """Add one under an id of its own until it is known to be there, as a careful backend."""
        while True:
            with suppress(*UNAVAILABLE):
                await self.client.xadd("ws.outbox", {"data": entry(number, id=f"n{number}")})
                return
            await asyncio.sleep(0.02)

    async def add_raw(self, *values: bytes) -> None:
        for value in values:
            await self.client.xadd("ws.outbox", {"data": value})

    async def letters(self) -> list[tuple[str, bytes]]:
        found = []
        for _, fields in await self.client.xrange("ws.dlq"):
            assert set(fields) == {b"reason", b"raw"}
            found.append((fields[b"reason"].decode(), fields[b"raw"]))
        return found


def entry(number: int, **more: Any) -> str:
    return json.dumps({"subjects": ["user:42"], "payload": number} | more)


@asynccontextmanager
async def publishing(redis: RedisServer, timeout: float = 5.0) -> AsyncIterator[Publisher]:
    client = Connection.parse(SecretStr(redis.dsn)).commands(timeout=timeout)
    try:
        yield Publisher(client)
    finally:
        await client.aclose()
