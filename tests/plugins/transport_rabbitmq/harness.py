"""What the tests of this plugin share: a transport that runs, and backends that publish."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
import structlog
from aiormq.abc import ChannelFrame, DeliveredMessage, FrameType
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.header import ContentHeader
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from structlog.testing import LogCapture

from gatewright import BusUnavailable, PluginContext, Publication, PublicationLimits, Receipt
from gatewright_rabbitmq_kit import (
    UNAVAILABLE,
    Broker,
    ConfirmedPublisher,
    Link,
    Message,
    bind,
    persistent,
    use_exchange,
    use_queue,
)
from gatewright_transport_rabbitmq import RabbitmqSettings, RabbitmqTransport, gatewright_transport

PATIENCE = 40.0
NAME = "ws.outbox"
DEAD = "ws.dlq"


@dataclass(eq=False)
class Node:
    """One node's transport: running, with all it published."""

    transport: RabbitmqTransport
    captured: LogCapture
    metrics: CollectorRegistry
    published: list[Publication] = field(default_factory=list)
    bus_away: bool = False
    pace: float = 0.0
    task: asyncio.Task[None] | None = None

    async def publish(self, publication: Publication, *, count: bool = True) -> Receipt:
        assert not count
        if self.bus_away:
            raise BusUnavailable(reason="away")
        if self.pace:
            await asyncio.sleep(self.pace)
        self.published.append(publication)
        return Receipt(None)

    @property
    def numbers(self) -> list[Any]:
        return [json.loads(each.payload) for each in self.published]

    @property
    def detail(self) -> str:
        return self.transport.health().detail

    @property
    def logged(self) -> list[str]:
        return [entry["event"] for entry in self.captured.entries]

    def metric(self, name: str, **labels: str) -> float:
        value = self.metrics.get_sample_value(f"gatewright_rabbitmq_{name}", labels)
        return 0.0 if value is None else value

    def start(self) -> None:
        self.task = asyncio.create_task(self.transport.run(self.publish))

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task
            self.task = None

    async def holds(self) -> None:
        await until(lambda: self.transport.health().facts["holding"], lambda: self.detail)

    async def stands_by(self) -> None:
        await until(lambda: "standby" in self.detail, lambda: self.detail)

    async def hears(self, count: int) -> list[Any]:
        """Wait for so many publications, then for what should not come after them."""
        await until(lambda: len(self.published) >= count, lambda: f"{len(self.published)} came")
        await asyncio.sleep(0.2)
        return self.numbers


async def until(condition: Any, told: Any = str, patience: float = PATIENCE) -> None:
    with anyio.move_on_after(patience):
        while not condition():
            await asyncio.sleep(0.01)
    assert condition(), told()


@asynccontextmanager
async def opened(
    dsn: str, *, node_id: str = "gw-1", limits: PublicationLimits | None = None, **options: Any
) -> AsyncIterator[Node]:
    """Open the transport as the core would, without running it."""
    captured, registry = LogCapture(), CollectorRegistry()
    context = PluginContext(
        name="rabbitmq",
        log=structlog.wrap_logger(
            None,
            processors=[captured],
            wrapper_class=structlog.make_filtering_bound_logger(0),
        ),
        metrics=registry,
        node_id=node_id,
        spawn=lambda *_: None,
        limits=limits or PublicationLimits(),
    )
    settings = RabbitmqSettings(dsn=SecretStr(dsn), **options)
    async with gatewright_transport().open(settings, context) as transport:
        yield Node(transport, captured, registry)
    assert not list(registry.collect())
    assert "guest" not in str(captured.entries)


@asynccontextmanager
async def running(dsn: str, *, wait: bool = True, **options: Any) -> AsyncIterator[Node]:
    """Run a node that holds the queue."""
    async with opened(dsn, **options) as node:
        node.start()
        try:
            if wait:
                await node.holds()
            yield node
        finally:
            await node.stop()


class Backend:
    """A publisher as existing ones are: declares everything itself, without arguments."""

    def __init__(self, dsn: str) -> None:
        self.broker = Broker(SecretStr(dsn), name="backend")
        self.publisher = ConfirmedPublisher(self.broker, prepare=self._declare)

    async def publish(self, *numbers: int, **more: Any) -> None:
        await self.publish_raw(*(body(each, **more) for each in numbers))

    async def publish_raw(self, *bodies: bytes, message_id: str | None = None) -> None:
        """Publish without ids, as existing backends do, unless one is given."""
        properties = Basic.Properties(
            content_type="application/json", delivery_mode=2, message_id=message_id
        )
        frames: list[FrameType] = []
        async with self.broker.session() as link:
            await self._declare(link)
            channel = await link.channel(confirms=True)
            for number, each in enumerate(bodies, 1):
                channel.confirmations[number] = channel.create_future()
                frames.append(Basic.Publish(exchange=NAME, routing_key=NAME, mandatory=True))
                frames.append(ContentHeader(properties=properties, body_size=len(each)))
                most = channel.max_content_size
                parts = (each[at : at + most] for at in range(0, len(each), most))
                frames += [ContentBody(part) for part in parts]
            confirmed = list(channel.confirmations.values())
            await channel.write_queue.put(ChannelFrame.marshall(channel.number, frames))
            await asyncio.gather(*confirmed)

    async def publish_surely(self, number: int) -> None:
        """Publish one under an id of its own until it is confirmed, as a careful backend."""
        while True:
            properties = persistent(message_id=f"n{number}")
            with suppress(*UNAVAILABLE):
                await self.publisher.publish(Message(body(number), NAME, NAME, properties))
                return
            await asyncio.sleep(0.05)

    async def _declare(self, link: Link) -> None:
        """As the contract has it: plain declarations, which fail on anything made otherwise."""
        async with link.passing_channel() as channel:
            await channel.exchange_declare(NAME, exchange_type="direct", durable=True)
            await channel.queue_declare(NAME, durable=True)
            await channel.queue_bind(NAME, NAME, NAME)

    async def waiting(self, queue: str = NAME) -> int:
        async with self.broker.session() as link:
            return await use_queue(link, queue)

    async def letters(self, count: int = 0, patience: float = PATIENCE) -> list[DeliveredMessage]:
        """Return what is in the dead-letter queue, once it is so many."""
        with anyio.move_on_after(patience):
            while await self.waiting(DEAD) < count:
                await asyncio.sleep(0.05)
        found = []
        async with self.broker.session() as link:
            channel = await link.channel()
            while isinstance((message := await channel.basic_get(DEAD)).delivery, Basic.GetOk):
                found.append(message)
        return found


def body(number: int, **more: Any) -> bytes:
    return json.dumps({"subjects": ["user:42"], "payload": number} | more).encode()


async def declare_with(link: Link, queue: str, **arguments: Any) -> None:
    """Declare a queue as an operator with ideas of his own does."""
    async with link.passing_channel() as channel:
        await channel.queue_declare(
            queue, durable=True, arguments={k.replace("_", "-"): v for k, v in arguments.items()}
        )


async def bound(link: Link) -> None:
    await use_exchange(link, NAME)
    await use_queue(link, NAME)
    await bind(link, queue=NAME, exchange=NAME, routing_key=NAME)


@asynccontextmanager
async def publishing(dsn: str) -> AsyncIterator[Backend]:
    backend = Backend(dsn)
    try:
        yield backend
    finally:
        await backend.publisher.close()
