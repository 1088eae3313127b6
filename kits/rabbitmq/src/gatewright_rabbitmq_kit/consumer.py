"""One queue's messages, in order, in batches."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel
from aiormq.exceptions import ChannelAccessRefused
from pamqp.commands import Basic
from pamqp.common import FieldTable

from gatewright_rabbitmq_kit.deadlines import Deadline
from gatewright_rabbitmq_kit.errors import (
    UNAVAILABLE,
    ConnectionLost,
    ConsumerCancelled,
    QueueHeld,
    describe,
)
from gatewright_rabbitmq_kit.link import Link

__all__ = ["Consumer"]

_EXCLUSIVE: Final = "exclusive"
_CLOSE_SECONDS: Final = 1.0


class Consumer:
    """Consumes one queue on a channel of its own; for one task.

    Attributes:
        failed: Why nothing more comes, or ``None``. Messages that were taken before a
            `ConnectionLost` can no longer be acknowledged: the broker gives them again.
    """

    def __init__(self, channel: Channel, *, timeout: float, prefetch: int) -> None:
        self._channel = channel
        self._timeout = timeout
        self._prefetch = prefetch
        self._arrived: deque[DeliveredMessage] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._tag = ""
        self.failed: Exception | None = None

    @classmethod
    async def open(
        cls,
        link: Link,
        queue: str,
        *,
        prefetch: int,
        exclusive: bool = False,
        arguments: FieldTable | None = None,
    ) -> Consumer:
        """Start consuming.

        Args:
            link: Over which connection.
            queue: What.
            prefetch: The most messages that are not acknowledged yet.
            exclusive: Whether nobody else may consume meanwhile.
            arguments: Of ``basic.consume``.

        Raises:
            QueueHeld: Somebody else consumes it exclusively, or, where ``exclusive``, at all.
            Exception: One of `UNAVAILABLE`.
        """
        channel = await link.channel()
        consumer = cls(channel, timeout=link.timeout, prefetch=prefetch)
        channel.on_consumer_cancel_callbacks.add(consumer._cancelled)
        channel.closing.add_done_callback(consumer._closed)
        try:
            async with Deadline(link.timeout):
                await channel.basic_qos(prefetch_count=prefetch)
                answer = await channel.basic_consume(
                    queue, consumer._deliver, exclusive=exclusive, arguments=arguments
                )
        except ChannelAccessRefused as error:
            if _EXCLUSIVE in str(error):
                message = f"queue {queue} is held by another consumer"
                raise QueueHeld(message) from None
            raise
        except BaseException:
            await consumer.close()
            raise
        consumer._tag = answer.consumer_tag or ""
        return consumer

    @property
    def waiting(self) -> Sequence[DeliveredMessage]:
        """What has arrived and was not taken."""
        return tuple(self._arrived)

    async def take(self, seconds: float | None = None) -> list[DeliveredMessage]:
        """Return everything that has arrived, waiting up to ``seconds`` for the first message.

        What the broker had sent before it ended the consumer still comes. Cancelling loses nothing.

        Raises:
            ConsumerCancelled: The broker ended the consumer.
            ConnectionLost: The channel or the connection ended.
        """
        if not self._arrived and self.failed is None:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await asyncio.wait({self._waiter}, timeout=seconds)
            finally:
                self._waiter = None
        if self.failed is not None and not (
            self._arrived and isinstance(self.failed, ConsumerCancelled)
        ):
            raise self.failed
        taken = list(self._arrived)
        self._arrived.clear()
        return taken

    def wake(self) -> None:
        """Have a waiting `take` return at once."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def ack(self, tag: int, *, multiple: bool = False, wait: bool = False) -> None:
        """Acknowledge a message, or with ``multiple`` all up to it.

        Args:
            tag: Its delivery tag.
            multiple: Whether all before it, too.
            wait: Whether to wait until it is written to the socket.

        Raises:
            Exception: One of `UNAVAILABLE`; the broker gives the messages again.
        """
        async with Deadline(self._timeout):
            await self._channel.basic_ack(tag, multiple=multiple, wait=wait)

    async def nack(self, tag: int, *, requeue: bool = True) -> None:
        """Give a message back, or away.

        Raises:
            Exception: One of `UNAVAILABLE`.
        """
        async with Deadline(self._timeout):
            await self._channel.basic_nack(tag, requeue=requeue, wait=False)

    async def check(self) -> None:
        """Ask the broker something; when it answers, it has done all acknowledgements so far.

        Raises:
            Exception: One of `UNAVAILABLE`: it does not answer.
        """
        async with Deadline(self._timeout):
            await self._channel.basic_qos(prefetch_count=self._prefetch)

    async def cancel(self) -> None:
        """Have the broker send no more; what was not acknowledged stays ours until `close`.

        Raises:
            Exception: One of `UNAVAILABLE`.
        """
        async with Deadline(self._timeout):
            await self._channel.basic_cancel(self._tag)

    async def close(self) -> None:
        """Close the channel within a second; what is not acknowledged goes back. Raises nothing."""
        if self.failed is None:
            self.failed = ConnectionLost("closed")
        with suppress(*UNAVAILABLE):
            async with Deadline(_CLOSE_SECONDS):
                await self._channel.close()

    async def _deliver(self, message: DeliveredMessage) -> None:
        self._arrived.append(message)
        self.wake()

    def _cancelled(self, _: Basic.Cancel) -> None:
        if self.failed is None:
            self.failed = ConsumerCancelled("the broker ended the consumer: the queue is gone")
        self.wake()

    def _closed(self, closing: asyncio.Future[object]) -> None:
        error = None if closing.cancelled() else closing.exception()
        if self.failed is None:
            why = "" if error is None else f": {describe(error)}"
            self.failed = ConnectionLost(f"the channel ended{why}")
        self.wake()
