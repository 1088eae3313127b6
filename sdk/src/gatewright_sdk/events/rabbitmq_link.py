"""One connection to a RabbitMQ: what is there is used, messages come, each is settled once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import (
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    DeliveryError,
)
from aiormq.exceptions import ChannelAccessRefused, ChannelLockedResource

from gatewright_sdk.errors import Unavailable
from gatewright_sdk.links.addresses import rabbitmq_shown, with_heartbeat
from gatewright_sdk.links.rabbitmq import BROKEN, answered

__all__ = ["Broker", "Held", "Link", "NotExclusive", "Topology"]

_TIMEOUT: Final = 5.0
_CLOSE_SECONDS: Final = 2.0
_EXCLUSIVE: Final = "exclusive"


class Held(Unavailable):
    """Another consumer has the queue."""


class NotExclusive(Held):
    """Nobody consumes the queue, and yet it refuses an exclusive consumer."""


class Topology:
    """Which queue, and what it is bound to where it has to be made.

    Attributes:
        exchange: A direct exchange; empty for none.
        queue: The queue.
        routing_key: What the exchange sends to it.
    """

    def __init__(self, exchange: str, queue: str, routing_key: str) -> None:
        self.exchange, self.queue, self.routing_key = exchange, queue, routing_key


class Broker:
    """Where a RabbitMQ is.

    Raises:
        ConfigurationError: The address is none.
    """

    def __init__(self, dsn: str) -> None:
        self.shown = rabbitmq_shown(dsn)
        self._dsn = with_heartbeat(dsn)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Link]:
        """Connect, and close at the end.

        Raises:
            Unavailable: It does not answer.
            Refused: It will not have this user.
        """
        async with self.answered():
            connection = await aio_pika.connect(self._dsn, timeout=_TIMEOUT)
        link = Link(self, connection)
        try:
            yield link
        finally:
            with suppress(*BROKEN, TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await connection.close()

    @asynccontextmanager
    async def answered(self) -> AsyncIterator[None]:
        """Turn the library's errors into this package's."""
        async with answered(self.shown, 2 * _TIMEOUT):
            yield


class Link:
    """A connection.

    Attributes:
        lost: Set once the consumer, its channel or the connection has ended.
    """

    def __init__(self, broker: Broker, connection: AbstractConnection) -> None:
        self._broker = broker
        self._connection = connection
        self.lost = asyncio.Event()

    async def use(self, topology: Topology) -> None:
        """Use the queue as it is; make it where it is missing, durable and without arguments."""
        async with self._broker.answered():
            if await self._exists(topology.queue):
                return
            async with self._connection.channel() as channel:
                queue = await channel.declare_queue(topology.queue, durable=True)
                if topology.exchange:
                    await self._make_exchange(topology.exchange)
                    await queue.bind(topology.exchange, topology.routing_key)

    async def use_queue(self, name: str) -> None:
        """Make a queue for dead letters where it is missing."""
        await self.use(Topology("", name, ""))

    async def consume(
        self,
        queue: str,
        on_message: Callable[[AbstractIncomingMessage], None],
        *,
        prefetch: int,
        alone: bool,
        exclusive: bool,
    ) -> None:
        """Have messages of a queue come, until `lost`.

        Args:
            queue: Its name.
            on_message: Called with each.
            prefetch: The most that are not settled.
            alone: Whether to stand back where the queue has a consumer already.
            exclusive: Whether to keep others from consuming it.

        Raises:
            Held: It has one.
            NotExclusive: It had none, but takes no exclusive one: it sees to that itself.
        """
        async with self._broker.answered():
            channel = await self._connection.channel(publisher_confirms=False)
            channel.close_callbacks.add(self._lose)
            await channel.set_qos(prefetch_count=prefetch)
            underlying = await channel.get_underlay_channel()
            underlying.on_consumer_cancel_callbacks.add(self._lose)

            async def arrived(message: AbstractIncomingMessage) -> None:
                on_message(message)

            found = await channel.declare_queue(queue, passive=True)
            if alone and found.declaration_result.consumer_count:
                await self._forget(channel)
                msg = f"rabbitmq {self._broker.shown}: the queue {queue} has a consumer"
                raise Held(msg)
            try:
                await found.consume(arrived, exclusive=exclusive)
            except ChannelAccessRefused as error:
                await self._forget(channel)
                if not exclusive or _EXCLUSIVE not in str(error):
                    raise
                msg = f"rabbitmq {self._broker.shown}: the queue {queue} takes nobody exclusively"
                raise NotExclusive(msg) from None

    async def bury(
        self, queue: str, message: AbstractIncomingMessage, *, origin: str, reason: str
    ) -> None:
        """Publish a dead letter, and wait until the broker has it.

        Args:
            queue: The one for dead letters.
            message: What could not be handled.
            origin: The queue that it comes from.
            reason: Why it could not be handled.
        """
        headers = {**message.headers, "reason": reason, "queue": origin}
        letter = aio_pika.Message(
            message.body,
            headers=headers,
            content_type=message.content_type,
            message_id=message.message_id,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        async with self._broker.answered(), self._connection.channel() as channel:
            try:
                await channel.default_exchange.publish(letter, routing_key=queue, mandatory=True)
            except DeliveryError:
                msg = f"rabbitmq {self._broker.shown}: the queue {queue} takes no dead letters"
                raise Unavailable(msg) from None

    async def acknowledge(self, message: AbstractIncomingMessage) -> None:
        """Say that a message is done with; nothing where its channel is gone: it comes again."""
        if not self.lost.is_set():
            with suppress(*BROKEN):
                await message.ack()

    async def reject(self, message: AbstractIncomingMessage) -> None:
        """Give a message to the queue's dead-letter exchange, if it has one, else drop it."""
        if not self.lost.is_set():
            with suppress(*BROKEN):
                await message.reject(requeue=False)

    async def _exists(self, queue: str) -> bool:
        channel = await self._connection.channel()
        try:
            await channel.declare_queue(queue, passive=True)
        except ChannelNotFoundEntity:
            return False
        except ChannelLockedResource:
            msg = f"rabbitmq {self._broker.shown}: the queue {queue} is another connection's"
            raise Held(msg) from None
        await channel.close()
        return True

    async def _make_exchange(self, name: str) -> None:
        try:
            async with self._connection.channel() as channel:
                await channel.declare_exchange(name, "direct", durable=True)
        except ChannelPreconditionFailed:
            return  # it is there, with arguments: it is used as it is

    async def _forget(self, channel: AbstractChannel) -> None:
        """Close a channel whose end is not the link's."""
        channel.close_callbacks.discard(self._lose)
        with suppress(*BROKEN):
            await channel.close()
        self.lost.clear()

    def _lose(self, *_: object) -> None:
        self.lost.set()
