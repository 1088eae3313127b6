"""Puts the bus together, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final

import anyio

from gatewright import PluginContext
from gatewright_bus_kit import BusCore
from gatewright_bus_rabbitmq.bus import RabbitmqBus
from gatewright_bus_rabbitmq.link import FanoutLink
from gatewright_bus_rabbitmq.node_queue import NodeQueue
from gatewright_bus_rabbitmq.settings import RabbitmqBusSettings
from gatewright_bus_rabbitmq.watch import Watch
from gatewright_rabbitmq_kit import UNAVAILABLE, Broker, ConfirmedPublisher

__all__ = ["open_bus"]

_DISCARD_SECONDS: Final = 2.0


@asynccontextmanager
async def open_bus(
    settings: RabbitmqBusSettings, context: PluginContext
) -> AsyncIterator[RabbitmqBus]:
    """Yield the bus; afterwards delete its queue and close its connections. Connects to nothing.

    Raises:
        UnusableCertificates: A file that the DSN names cannot be used.
    """
    context.step("reading certificates")
    broker = Broker(settings.dsn, name=f"gatewright {context.name} {context.node_id}")
    core = BusCore(context, publish_timeout=settings.publish_seconds)
    queue = NodeQueue(
        exchange=settings.exchange,
        node=context.node_id,
        expires_seconds=settings.expires_seconds,
        gap=core.gap,
    )
    watch = Watch(
        node=context.node_id, shown=broker.shown, metrics=context.metrics, log=context.log
    )
    # Half of the time, so that a connection which went silent leaves time for another one.
    publish_seconds = settings.publish_seconds / 2
    publisher = ConfirmedPublisher(broker, prepare=queue.ensure, timeout=publish_seconds)
    link = FanoutLink(
        broker,
        publisher,
        queue,
        exchange=settings.exchange,
        prefetch=settings.prefetch,
        publish_seconds=publish_seconds,
        watch=watch,
    )
    async with AsyncExitStack() as stack:
        stack.callback(core.close)
        stack.callback(watch.close)
        stack.push_async_callback(_discard, broker, queue)
        stack.push_async_callback(publisher.close)
        yield RabbitmqBus(core, link, watch, {"rabbitmq": broker.shown, "queue": queue.name})


async def _discard(broker: Broker, queue: NodeQueue) -> None:
    """Delete the queue if it was ours; where RabbitMQ is away, it expires."""
    if not queue.owned:
        return
    with suppress(*UNAVAILABLE), anyio.move_on_after(_DISCARD_SECONDS):
        async with broker.session() as link:
            await queue.discard(link)
