"""A fanout exchange as the way between nodes."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Final

import anyio
import anyio.lowlevel
from aiormq.abc import DeliveredMessage

from gatewright_bus_kit import Receive
from gatewright_bus_rabbitmq.node_queue import NodeQueue
from gatewright_bus_rabbitmq.watch import Watch
from gatewright_rabbitmq_kit import (
    UNAVAILABLE,
    Broker,
    ConfirmedPublisher,
    Consumer,
    ExchangeGone,
    Link,
    Message,
    QueueHeld,
    Unroutable,
    describe,
    persistent,
)

__all__ = ["FanoutLink"]

_TURN_SECONDS: Final = 0.005
_IDLE_SECONDS: Final = 2.0
"""Two beats of the canary: so long nothing comes in only where something is wrong."""

_ENDLESS: Final = 2**63


class FanoutLink:
    """Publishes with confirms over one connection, consumes over another.

    Args:
        broker: Where to connect for consuming.
        publisher: Publishes, over a connection of its own, and ensures ``queue`` before.
        queue: This node's.
        exchange: Where it publishes to.
        prefetch: The most messages that are not acknowledged yet.
        publish_seconds: What one try of publishing may take.
        watch: Told how it goes.
    """

    def __init__(
        self,
        broker: Broker,
        publisher: ConfirmedPublisher,
        queue: NodeQueue,
        *,
        exchange: str,
        prefetch: int,
        publish_seconds: float,
        watch: Watch,
    ) -> None:
        self._broker = broker
        self._publisher = publisher
        self._queue = queue
        self._exchange = exchange
        self._prefetch = prefetch
        self._publish_seconds = publish_seconds
        self._watch = watch
        self._number = 0
        self._arrived_at = 0.0
        self._unheard_since: float | None = None

    async def read(self, receive: Receive) -> None:
        """Consume this node's queue; on cancellation, what was not given on stays in it.

        Raises:
            QueueHeld: Another process consumes it.
            Exception: One of `UNAVAILABLE`.
        """
        try:
            link = await self._broker.connect()
            try:
                await self._read(link, receive)
            finally:
                self._queue.released()
                with anyio.CancelScope(shield=True):
                    await link.close()
        except QueueHeld as error:
            self._held(error)
            raise
        except UNAVAILABLE as error:
            self._watch.failed(error)
            raise

    async def send(self, messages: Sequence[bytes]) -> Sequence[str | None]:
        """Publish messages and say which were confirmed.

        Nothing is published while another process holds this node's queue: this node would not
        hear it.
        """
        if self._watch.held:
            return [self._watch.held] * len(messages)
        began = monotonic()
        try:
            outcomes = await self._publisher.publish_many(
                [self._message(body) for body in messages], seconds=self._publish_seconds
            )
        except QueueHeld as error:
            self._held(error)
            return [self._watch.held] * len(messages)
        except UNAVAILABLE as error:
            return [describe(error)] * len(messages)
        if any(isinstance(each, ExchangeGone) for each in outcomes):
            self._queue.missed(f"exchange {self._exchange} was deleted")
        elif any(isinstance(each, Unroutable) for each in outcomes):
            self._queue.missed(f"no queue was bound to {self._exchange}")
        if None in outcomes and self._unheard_since is None and self._arrived_at < began:
            self._unheard_since = monotonic()
        return [None if each is None else describe(each) for each in outcomes]

    async def _read(self, link: Link, receive: Receive) -> None:
        await self._queue.ensure(link)
        consumer = await Consumer.open(
            link, self._queue.name, prefetch=self._prefetch, exclusive=True
        )
        self._queue.consumed()
        self._watch.reading()
        self._heard()
        while True:
            messages = await consumer.take(_IDLE_SECONDS)
            if messages:
                self._heard()
                await _give(messages, receive)
                await consumer.ack(messages[-1].delivery_tag or 0, multiple=True)
            else:
                await self._look(link, consumer)

    async def _look(self, link: Link, consumer: Consumer) -> None:
        """Find out why nothing comes in.

        Raises:
            Exception: One of `UNAVAILABLE`: the broker does not answer.
        """
        await consumer.check()
        unheard = self._unheard_since
        if unheard is None or consumer.waiting or monotonic() - unheard < _IDLE_SECONDS:
            return
        # Confirmed means that every queue bound to the exchange has it. This one has not.
        self._unheard_since = None
        await self._queue.rebind(link)

    def _heard(self) -> None:
        self._arrived_at = monotonic()
        self._unheard_since = None

    def _held(self, error: QueueHeld) -> None:
        self._queue.refused()
        self._watch.refused(error)

    def _message(self, body: bytes) -> Message:
        # The bus numbers its messages itself; the client tells returned ones apart by this id.
        self._number = (self._number + 1) % _ENDLESS
        properties = persistent(
            message_id=f"{self._number:x}", content_type="application/octet-stream"
        )
        return Message(body, self._exchange, "", properties)


async def _give(messages: Sequence[DeliveredMessage], receive: Receive) -> None:
    turn_ends = monotonic() + _TURN_SECONDS
    for message in messages:
        receive(message.body)
        if monotonic() > turn_ends:
            await anyio.lowlevel.checkpoint()
            turn_ends = monotonic() + _TURN_SECONDS
