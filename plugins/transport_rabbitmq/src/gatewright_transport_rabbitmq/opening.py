"""How the transport is put together from its settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from gatewright import PluginContext
from gatewright_rabbitmq_kit import (
    Broker,
    ConfirmedPublisher,
    Link,
    Pauses,
    QueueStore,
    use_queue,
)
from gatewright_transport_rabbitmq.counters import Counters
from gatewright_transport_rabbitmq.in_doubt import InDoubt
from gatewright_transport_rabbitmq.intake import Intake
from gatewright_transport_rabbitmq.keeper import Keeper
from gatewright_transport_rabbitmq.letters import OutboxLetters
from gatewright_transport_rabbitmq.rejected import RejectedMessages
from gatewright_transport_rabbitmq.settings import RabbitmqSettings
from gatewright_transport_rabbitmq.topology import Topology
from gatewright_transport_rabbitmq.transport import RabbitmqTransport
from gatewright_transport_rabbitmq.watch import Watch

__all__ = ["open_transport"]


@asynccontextmanager
async def open_transport(
    settings: RabbitmqSettings, context: PluginContext
) -> AsyncIterator[RabbitmqTransport]:
    """Yield the transport and close its connections afterwards. Connects to nothing yet.

    Raises:
        UnusableCertificates: A file that the DSN names cannot be used.
    """
    context.step("reading certificates")
    broker = Broker(settings.dsn, name=f"gatewright {context.node_id} {context.name}")
    topology = Topology(settings.exchange, settings.queue, settings.routing_key)
    letters = OutboxLetters(target=context.name, clock=context.clock)

    async def dead_letter_queue(link: Link) -> None:
        await use_queue(link, settings.dead_letter_queue)

    async with AsyncExitStack() as stack:
        counters = Counters(context.name, context.metrics)
        stack.callback(counters.unregister)
        publisher = ConfirmedPublisher(broker, prepare=dead_letter_queue)
        stack.push_async_callback(publisher.close)
        back = ConfirmedPublisher(broker, prepare=topology.ensure)
        stack.push_async_callback(back.close)
        store = QueueStore(broker, queue=settings.dead_letter_queue, codec=letters)
        stack.push_async_callback(store.close)
        watch = Watch(
            shown=broker.shown,
            queue=settings.queue,
            counters=counters,
            clock=context.clock,
            log=context.log,
        )
        in_doubt = InDoubt(settings.prefetch)
        rejected = RejectedMessages(
            publisher, watch=watch, pauses=Pauses(context.clock), size=settings.prefetch
        )
        yield RabbitmqTransport(
            broker=broker,
            topology=topology,
            intake=Intake(
                rejected=rejected,
                in_doubt=in_doubt,
                letters=letters,
                dead_letter_queue=settings.dead_letter_queue,
                watch=watch,
                counters=counters,
                pauses=Pauses(context.clock),
                source=context.name,
                limits=context.limits,
                acknowledge_every=max(1, settings.prefetch // 4),
            ),
            keeper=Keeper(topology, watch=watch, in_doubt=in_doubt),
            rejected=rejected,
            in_doubt=in_doubt,
            store=store,
            back=back,
            watch=watch,
            pauses=Pauses(context.clock),
            clock=context.clock,
            exclusive=settings.consume == "exclusive",
            prefetch=settings.prefetch,
        )
