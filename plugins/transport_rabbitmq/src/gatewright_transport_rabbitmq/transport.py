"""The ``rabbitmq`` transport: consumes a queue and publishes what it holds."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

import anyio

from gatewright import Clock, DeadLetter, Health, Publish, Reach
from gatewright_rabbitmq_kit import (
    UNAVAILABLE,
    Broker,
    ConfirmedPublisher,
    Consumer,
    ConsumerCancelled,
    Link,
    Message,
    Pauses,
    QueueHeld,
    QueueStore,
    persistent,
)
from gatewright_transport_rabbitmq.in_doubt import InDoubt
from gatewright_transport_rabbitmq.intake import Intake
from gatewright_transport_rabbitmq.keeper import Keeper
from gatewright_transport_rabbitmq.rejected import RejectedMessages
from gatewright_transport_rabbitmq.stopping import Stopping
from gatewright_transport_rabbitmq.topology import Topology
from gatewright_transport_rabbitmq.watch import Watch

__all__ = ["RabbitmqTransport"]

_STANDBY_SECONDS: Final = (0.5, 1.0)
_TAKEN_OVER_SECONDS: Final = 3.0
_QUEUE_LOST_SECONDS: Final = 0.1
_DRAIN_SECONDS: Final = 6.0
_LAST_SECONDS: Final = 2.0


class RabbitmqTransport:
    """Publications from a queue that one node at a time holds, or that all share.

    What was handled and perhaps not acknowledged belongs to this object: a `run` that is started
    again recognises it when the broker gives it again.
    """

    reach: Final[Reach] = "node"

    def __init__(
        self,
        *,
        broker: Broker,
        topology: Topology,
        intake: Intake,
        keeper: Keeper,
        rejected: RejectedMessages,
        in_doubt: InDoubt,
        store: QueueStore,
        back: ConfirmedPublisher,
        watch: Watch,
        pauses: Pauses,
        clock: Clock,
        exclusive: bool,
        prefetch: int,
    ) -> None:
        self._broker = broker
        self._topology = topology
        self._intake = intake
        self._keeper = keeper
        self._rejected = rejected
        self._in_doubt = in_doubt
        self._store = store
        self._back = back
        self._watch = watch
        self._pauses = pauses
        self._clock = clock
        self._exclusive = exclusive
        self._prefetch = prefetch
        self._consumer: Consumer | None = None

    async def run(self, publish: Publish) -> None:
        """Consume and publish until cancelled; a RabbitMQ that is away is waited for.

        When cancelled it takes no more, finishes the message at hand, acknowledges what was
        published and gives the rest back, within a few seconds.

        Raises:
            Exception: ``publish`` raised otherwise than its protocol says. Nothing is lost: what
                was not acknowledged comes again.
        """
        stopping = Stopping()
        work = asyncio.create_task(self._work(publish, stopping))
        letters = asyncio.create_task(self._rejected.run(self._wake))
        tasks = (work, letters)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            with anyio.CancelScope(shield=True):
                stopping.set()
                self._wake()
                await asyncio.wait({work}, timeout=_DRAIN_SECONDS)
                await _ended(tasks)

    def health(self) -> Health:
        """Tell whether this node consumes, or stands by for another that does."""
        return self._watch.health()

    def dead_letters(self) -> QueueStore:
        """Return the store over the dead-letter queue."""
        return self._store

    async def resend(self, letter: DeadLetter) -> None:
        """Publish a publication's bytes to the exchange again, under the letter's id.

        Cancelling may leave them published.

        Raises:
            Exception: One of `UNAVAILABLE`.
        """
        await self._back.publish(
            Message(
                letter.payload,
                self._topology.exchange,
                self._topology.routing_key,
                persistent(message_id=letter.id),
            )
        )

    async def _work(self, publish: Publish, stopping: Stopping) -> None:
        while not stopping:
            try:
                async with self._broker.session() as link:
                    await self._serve(link, publish, stopping)
            except UNAVAILABLE as error:
                self._watch.failed(error)
                await stopping.pause(self._pauses.next())

    async def _serve(self, link: Link, publish: Publish, stopping: Stopping) -> None:
        """Consume over one connection until asked to stop; what ends the connection raises."""
        held_since: float | None = None
        while not stopping:
            if held_since is None:
                self._watch.topology(await self._topology.ensure(link))
            try:
                async with self._consuming(link) as consumer:
                    held_since = None
                    await self._intake.serve(consumer, publish, stopping)
            except QueueHeld:
                now = self._clock.monotonic()
                held_since = now if held_since is None else held_since
                if now - held_since > _TAKEN_OVER_SECONDS:
                    self._in_doubt.forget()
                self._watch.standby()
                self._pauses.reset()
                await stopping.pause(random.uniform(*_STANDBY_SECONDS))  # noqa: S311 - no secret
            except ConsumerCancelled:
                self._watch.queue_lost()
                await stopping.pause(_QUEUE_LOST_SECONDS)

    @asynccontextmanager
    async def _consuming(self, link: Link) -> AsyncIterator[Consumer]:
        consumer = await Consumer.open(
            link, self._topology.queue, prefetch=self._prefetch, exclusive=self._exclusive
        )
        self._consumer = consumer
        self._watch.holding()
        self._pauses.reset()
        keeping = asyncio.create_task(self._keeper.run(link, consumer))
        try:
            yield consumer
        finally:
            self._consumer = None
            await _ended((keeping,))
            await consumer.close()

    def _wake(self) -> None:
        if self._consumer is not None:
            self._consumer.wake()


async def _ended(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks and see them end; their errors are no news any more."""
    waiting = set(tasks)
    for task in waiting:
        task.cancel()
    done, _ = await asyncio.wait(waiting, timeout=_LAST_SECONDS)
    for task in done:
        if not task.cancelled():
            task.exception()
