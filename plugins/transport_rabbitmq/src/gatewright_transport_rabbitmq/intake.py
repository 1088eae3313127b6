"""Publishes what a consumer brings, in order, and acknowledges it afterwards."""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import Final

import anyio.lowlevel
from aiormq.abc import DeliveredMessage

from gatewright import (
    BusUnavailable,
    InvalidPublication,
    Publication,
    PublicationLimits,
    Publish,
    parse_publication,
)
from gatewright_rabbitmq_kit import Consumer, ConsumerCancelled, Message, Pauses
from gatewright_transport_rabbitmq.counters import Counters
from gatewright_transport_rabbitmq.in_doubt import InDoubt, Key, key_of
from gatewright_transport_rabbitmq.letters import OutboxLetters
from gatewright_transport_rabbitmq.rejected import Rejected, RejectedMessages
from gatewright_transport_rabbitmq.stopping import Stopping
from gatewright_transport_rabbitmq.watch import Watch

__all__ = ["Intake"]

_TURN_SECONDS: Final = 0.005
_LETTERS_SECONDS: Final = 2.0


class Intake:
    """Handles one queue's messages, one after the other; for one task."""

    def __init__(
        self,
        *,
        rejected: RejectedMessages,
        in_doubt: InDoubt,
        letters: OutboxLetters,
        dead_letter_queue: str,
        watch: Watch,
        counters: Counters,
        pauses: Pauses,
        source: str,
        limits: PublicationLimits,
        acknowledge_every: int,
    ) -> None:
        self._rejected = rejected
        self._in_doubt = in_doubt
        self._letters = letters
        self._dead_letter_queue = dead_letter_queue
        self._watch = watch
        self._counters = counters
        self._pauses = pauses
        self._source = source
        self._limits = limits
        self._acknowledge_every = acknowledge_every
        self._taken: deque[DeliveredMessage] = deque()
        self._handled: list[int] = []
        self._published = 0

    async def serve(self, consumer: Consumer, publish: Publish, stopping: Stopping) -> None:
        """Publish and acknowledge until asked to stop; then finish the message at hand.

        Raises:
            ConsumerCancelled: The queue is gone. All that it had sent was published.
            Exception: One of `UNAVAILABLE`. What was not acknowledged is given again.
            Exception: Whatever ``publish`` raises against its protocol.
        """
        try:
            while not stopping:
                self._taken.extend(await consumer.take())
                await self._handle_all(consumer, publish, stopping)
                await self._acknowledge(consumer)
            await self._rejected.settled(_LETTERS_SECONDS)
            await self._acknowledge(consumer, wait=True)
        except ConsumerCancelled:
            self._rejected.orphan()
            raise
        except BaseException:
            self._rejected.reset()
            raise
        finally:
            self._in_doubt.lost((*self._taken, *consumer.waiting))
            self._taken.clear()
            self._handled.clear()

    async def _handle_all(self, consumer: Consumer, publish: Publish, stopping: Stopping) -> None:
        """Handle what was taken, and give other tasks a turn every few milliseconds."""
        taken = self._taken
        turn_ends = monotonic() + _TURN_SECONDS
        while taken and not stopping:
            _raise_if_lost(consumer)
            if not await self._handle(taken[0], consumer, publish, stopping):
                return
            taken.popleft()
            if len(self._handled) >= self._acknowledge_every:
                await self._acknowledge(consumer)
            if monotonic() > turn_ends:
                await anyio.lowlevel.checkpoint()
                turn_ends = monotonic() + _TURN_SECONDS

    async def _handle(
        self, message: DeliveredMessage, consumer: Consumer, publish: Publish, stopping: Stopping
    ) -> bool:
        """Publish one message or reject it; ``False``: asked to stop before that was done."""
        key = key_of(message)
        tag = message.delivery_tag or 0
        again = bool(message.redelivered)
        if again:
            self._counters.redelivered.inc()
            if self._in_doubt.again(key):
                self._counters.duplicates.inc()
                self._done(tag, key)
                return True
        try:
            publication = self._read(message)
            if not await self._publish(publication, consumer, publish, stopping):
                return False
        except InvalidPublication as error:
            self._reject(message, key, error)
            return True
        self._published += 1
        self._done(tag, key)
        return True

    def _done(self, tag: int, key: Key) -> None:
        self._in_doubt.handled(key)
        self._handled.append(tag)

    def _read(self, message: DeliveredMessage) -> Publication:
        found = parse_publication(message.body, source=self._source, limits=self._limits)
        identity = message.header.properties.message_id
        if not identity:
            return found
        return Publication(found.subjects, found.payload, identity, found.source)

    async def _publish(
        self, publication: Publication, consumer: Consumer, publish: Publish, stopping: Stopping
    ) -> bool:
        away = False
        while True:
            try:
                receipt = await publish(publication, count=False)
            except BusUnavailable:
                away = True
                self._watch.bus(away=True)
                if stopping:
                    return False
                await stopping.pause(self._pauses.next())
                _raise_if_lost(consumer)
                continue
            if away:
                self._watch.bus(away=False)
                self._pauses.reset()
            if receipt.duplicate:
                self._counters.duplicates.inc()
            return True

    def _reject(self, message: DeliveredMessage, key: Key, error: InvalidPublication) -> None:
        self._counters.invalid.labels(error.reason).inc()
        properties = self._letters.properties(
            reason=error.reason, message_id=message.header.properties.message_id
        )
        letter = Message(message.body, "", self._dead_letter_queue, properties)
        self._rejected.add(
            Rejected(message.delivery_tag or 0, key, letter),
            again=bool(message.redelivered),
        )

    async def _acknowledge(self, consumer: Consumer, *, wait: bool = False) -> None:
        """Acknowledge what was handled: at once, unless a message before it has to wait."""
        handled, self._handled = self._handled, []
        written = [each.tag for each in self._rejected.take_written()]
        if self._published:
            self._counters.messages.inc(self._published)
            self._published = 0
        if not self._rejected and not written and handled:
            await consumer.ack(handled[-1], multiple=True, wait=wait)
        else:
            for tag in (*handled, *written):
                await consumer.ack(tag, wait=wait)
        self._in_doubt.acknowledged()


def _raise_if_lost(consumer: Consumer) -> None:
    """Stop where nothing can be acknowledged any more; a queue that is gone still wants its due."""
    if consumer.failed is not None and not isinstance(consumer.failed, ConsumerCancelled):
        raise consumer.failed
