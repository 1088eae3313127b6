"""Publishing that ends in a confirmation, or in saying why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from aiormq.channel import Channel
from aiormq.exceptions import ChannelNotFoundEntity, DeliveryError, PublishError

from gatewright_rabbitmq_kit.broker import Broker
from gatewright_rabbitmq_kit.confirmations import Sent, chunks, ids_free, write
from gatewright_rabbitmq_kit.deadlines import Deadline
from gatewright_rabbitmq_kit.errors import (
    Blocked,
    ExchangeGone,
    NotConfirmed,
    PublishFailed,
    Refused,
    Unroutable,
    describe,
)
from gatewright_rabbitmq_kit.link import Link
from gatewright_rabbitmq_kit.messages import Message

__all__ = ["ConfirmedPublisher", "Prepare"]

Prepare = Callable[[Link], Awaitable[object]]
"""Makes sure that what is published to is there."""


class ConfirmedPublisher:
    """Publishes with confirms and ``mandatory``, over a connection of its own, made on demand.

    The connection publishes and does nothing else: in a memory alarm RabbitMQ stops reading from
    connections that publish. One that ended, or that has not confirmed a single message in time,
    is replaced by the next call. Safe from many tasks; messages of sequential calls keep their
    order, and so do those of one call.

    Args:
        broker: Where to.
        prepare: Called for each new connection, and again once a message was unroutable or the
            channel was closed, before anything more is published.
        timeout: What publishing may take in seconds, connecting not included.
    """

    def __init__(
        self, broker: Broker, *, prepare: Prepare | None = None, timeout: float = 5.0
    ) -> None:
        self._broker = broker
        self._prepare = prepare
        self._timeout = timeout
        self._link: Link | None = None
        self._channel: Channel | None = None
        self._prepared = False
        self._opening: asyncio.Task[Channel] | None = None
        self._writing = asyncio.Lock()

    @property
    def connected(self) -> bool:
        """Whether it is connected and prepared."""
        return self._usable() is not None

    async def connect(self) -> None:
        """Connect and prepare, if that is not done. Concurrent calls share one attempt.

        Raises:
            Exception: One of `UNAVAILABLE`.
        """
        await self._open()

    async def publish(self, message: Message, *, seconds: float | None = None) -> None:
        """Publish one message and wait for its confirmation.

        Raises:
            Unroutable: There is no queue for it.
            Refused: The broker did not take it.
            NotConfirmed: Nobody knows; send it again under the same id.
            Exception: Any other of `UNAVAILABLE`: it was not sent.
        """
        (outcome,) = await self.publish_many((message,), seconds=seconds)
        if outcome is not None:
            raise outcome

    async def publish_many(
        self, messages: Sequence[Message], *, seconds: float | None = None
    ) -> list[PublishFailed | None]:
        """Publish messages together and wait for all their confirmations; no task for each.

        Being cancelled leaves unknown what became of them.

        Args:
            messages: What to publish.
            seconds: What this call may take; ``None``: the publisher's ``timeout``.

        Returns:
            What became of each, in their order: ``None`` for confirmed, else `Unroutable`,
            `Refused` or `NotConfirmed` (`ExchangeGone` where that is why).

        Raises:
            Exception: One of `UNAVAILABLE`, and none was sent.
        """
        seconds = self._timeout if seconds is None else seconds
        channel = await self._open()
        ends = asyncio.get_running_loop().time() + seconds
        await self._unblocked(seconds)
        sent: list[Sent] = []
        try:
            await self._write(channel, messages, sent, ends)
            return await self._outcomes(channel, messages, sent, ends)
        finally:
            _forget(channel, messages, sent)

    async def close(self) -> None:
        """Close the connection, within a bounded time. The publisher can be used again."""
        opening, self._opening = self._opening, None
        if opening is not None and not opening.done():
            opening.cancel()
            await asyncio.wait({opening})
        link, self._link, self._channel = self._link, None, None
        if link is not None:
            await link.close()

    def _usable(self) -> Channel | None:
        channel = self._channel
        if not self._prepared or channel is None or channel.is_closed:
            return None
        return None if self._link is None or self._link.lost else channel

    async def _open(self) -> Channel:
        channel = self._usable()
        if channel is not None:
            return channel
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._reopen())
            self._opening.add_done_callback(_look_at)
        async with Deadline(None):
            return await asyncio.shield(self._opening)

    async def _reopen(self) -> Channel:
        link, channel = self._link, self._channel
        if link is not None and link.lost:
            self._link = None
            await link.close()
            link = None
        if link is None:
            link = self._link = await self._broker.connect()
        try:
            if self._prepare is not None:
                await self._prepare(link)
            if channel is None or channel.is_closed:
                channel = await link.channel(confirms=True)
        except TimeoutError:
            link.abort()
            raise
        self._channel, self._prepared = channel, True
        return channel

    async def _unblocked(self, seconds: float) -> None:
        link = self._link
        if link is None or not link.blocked:
            return
        try:
            async with Deadline(seconds):
                await link.connection.ready()
        except TimeoutError:
            message = f"{self._broker.shown} takes no messages for now: an alarm is raised"
            raise Blocked(message) from None

    async def _write(
        self, channel: Channel, messages: Sequence[Message], sent: list[Sent], ends: float
    ) -> None:
        """Write as much as can be within the time; what cannot is not in ``sent``."""
        try:
            async with asyncio.timeout_at(ends), self._writing:
                for chunk in chunks(messages):
                    await ids_free(channel, chunk)
                    await write(channel, chunk, sent)
        except BaseException as error:
            self._drop(channel)
            if not isinstance(error, TimeoutError):
                raise

    async def _outcomes(
        self, channel: Channel, messages: Sequence[Message], sent: Sequence[Sent], ends: float
    ) -> list[PublishFailed | None]:
        waiting = {each.confirmation for each in sent if not each.confirmation.done()}
        pending = set[asyncio.Future[object]]()
        if waiting:
            left = ends - asyncio.get_running_loop().time()
            _, pending = await asyncio.wait(waiting, timeout=max(0.0, left))
        outcomes = [
            self._outcome(message, each) for message, each in zip(messages, sent, strict=False)
        ]
        outcomes += [self._unknown()] * (len(messages) - len(sent))
        if any(isinstance(each, Unroutable) for each in outcomes):
            self._prepared = False
        if pending and len(pending) == len(sent):
            self._silent(channel)
        return outcomes

    def _silent(self, channel: Channel) -> None:
        """Not one answer: unless the broker said why, it is frozen, or the way to it is cut."""
        if self._link is not None and not self._link.blocked:
            self._drop(channel)

    def _drop(self, channel: Channel) -> None:
        if channel is self._channel:
            self._channel = None
            if self._link is not None:
                self._link.abort()

    def _outcome(self, message: Message, sent: Sent) -> PublishFailed | None:
        confirmation = sent.confirmation
        if not confirmation.done() or confirmation.cancelled():
            return self._unknown()
        error = confirmation.exception()
        if error is None:
            return None
        where = f"exchange {message.exchange or '(default)'}, routing key {message.routing_key}"
        if isinstance(error, PublishError):
            return Unroutable(f"no queue takes it at {where}")
        if isinstance(error, DeliveryError):
            return Refused(f"the broker refused it at {where}")
        if isinstance(error, ChannelNotFoundEntity):
            return ExchangeGone(f"not confirmed: {describe(error)}")
        return NotConfirmed(f"not confirmed: {describe(error)}")

    def _unknown(self) -> NotConfirmed:
        return NotConfirmed(f"{self._broker.shown} did not confirm it in time")


def _forget(channel: Channel, messages: Sequence[Message], sent: Sequence[Sent]) -> None:
    """Have late answers find nobody."""
    numbers = channel.message_id_delivery_tag
    for message, each in zip(messages, sent, strict=False):
        if numbers.get(message.identity) == each.number:
            del numbers[message.identity]
        each.confirmation.cancel()


def _look_at(task: asyncio.Task[Channel]) -> None:
    if not task.cancelled():
        task.exception()
