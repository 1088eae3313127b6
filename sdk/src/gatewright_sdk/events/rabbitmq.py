"""Events from a RabbitMQ queue."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from gatewright_sdk.config import RabbitMqEventsSettings, Settings
from gatewright_sdk.errors import ConfigurationError, InvalidEvent, Unavailable, needing
from gatewright_sdk.events.consumer import Consumer, Outcome, named, positive
from gatewright_sdk.events.parsing import parse_event
from gatewright_sdk.events.registry import Events
from gatewright_sdk.model import Delivery, Event

if TYPE_CHECKING:
    from aio_pika.abc import AbstractIncomingMessage

    from gatewright_sdk.events.rabbitmq_link import Broker, Link

__all__ = ["RabbitMqConsumer"]

_LOG: Final = logging.getLogger("gatewright_sdk.rabbitmq")
_STAND_BY_SECONDS: Final = 1.0
_CONVINCED: Final = 2
"""So many refusals in a row are no accident: a consumer may have ended between two questions."""
_MOST_REMEMBERED: Final = 10_000


class RabbitMqConsumer(Consumer):
    """Reads the events that a gateway publishes to a RabbitMQ queue.

    Each event is handled at least once: a message is acknowledged after its handlers have run, and
    one whose consumer died is delivered again. Events of one connection are handled in their order,
    those of different connections side by side. What cannot be read becomes a dead letter.

    Queue and exchange are used as they are, whatever their arguments; what is missing is declared
    durable and without arguments, as gateways do.

    With ``ordered``, one consumer has the queue for itself, and the others stand by while it has
    any: the order holds whoever dies. A classic queue makes sure of it, and so does one that was
    declared with ``x-single-active-consumer``. A quorum queue without that lets two in that start
    at the same moment. Without ``ordered``, all share the messages, and the order only holds
    among those that one of them was given.

    Where handlers fail, only that connection's events wait, while there is room: the failing
    event is tried again in this process, and it and those behind it count towards ``prefetch``.

    Tries are counted in this process. RabbitMQ itself counts deliveries of quorum queues alone
    (``x-delivery-count``), and that is honoured. So a message that kills the process each time
    ends as a dead letter in a quorum queue; a classic queue gives it again for ever, and
    ``delivery.redelivered`` is all that can be known of it.

    Args:
        events: Whose handlers hear of the events.
        dsn: ``amqp://`` or ``amqps://``.
        exchange: The direct exchange that a missing queue is bound to.
        queue: The queue.
        routing_key: What it is bound with.
        prefetch: How many messages are held at once.
        concurrency: How many are handled at once, each of another connection.
        ordered: Whether one consumer has the queue for itself; see above.
        max_deliveries: How often a message is tried: with ten, it takes about three minutes. It
            should fit into the broker's ``consumer_timeout``, half an hour by default.
        dead_letter_queue: Where it goes then, as it came, with headers ``reason`` and ``queue``;
            made where it is missing. None: it is rejected, for the queue's own dead-letter
            exchange, and **lost** where it has none.
        retry_seconds: The first pause before an event is tried again; it doubles up to a minute.
        stop_seconds: What finishing may take once it is stopped.

    Raises:
        ConfigurationError: A value cannot be used; names it.
        MissingExtra: The library is not installed.
    """

    def __init__(
        self,
        events: Events[Any],
        *,
        dsn: str = "amqp://guest:guest@rabbitmq:5672/",
        exchange: str = "ws.events",
        queue: str = "ws.events",
        routing_key: str = "ws.events",
        prefetch: int = 100,
        concurrency: int = 16,
        ordered: bool = True,
        max_deliveries: int = 10,
        dead_letter_queue: str | None = None,
        retry_seconds: float = 0.5,
        stop_seconds: float = 30.0,
    ) -> None:
        super().__init__(
            events,
            log=_LOG,
            concurrency=concurrency,
            max_deliveries=max_deliveries,
            stop_seconds=stop_seconds,
            retry_seconds=retry_seconds,
        )
        positive(prefetch=prefetch)
        named(dsn=dsn, queue=queue)
        self._broker = _broker(dsn)
        self._exchange, self._queue, self._routing_key = exchange, queue, routing_key
        self._prefetch = prefetch
        self._ordered = ordered
        self._dead_letter_queue = dead_letter_queue
        self._tries: dict[str, int] = {}
        self._stands_by = False

    @classmethod
    def from_settings(cls, events: Events[Any], settings: Settings) -> RabbitMqConsumer:
        """Return the consumer that settings describe.

        Raises:
            ConfigurationError: Events come otherwise.
            MissingExtra: The library is not installed.
        """
        found = settings.events
        if not isinstance(found, RabbitMqEventsSettings):
            msg = "events.type (WS_EVENTS_TYPE): must be rabbitmq for a RabbitMqConsumer"
            raise ConfigurationError(msg)
        return cls(
            events,
            dsn=found.dsn,
            exchange=found.exchange,
            queue=found.queue,
            routing_key=found.routing_key,
            dead_letter_queue=found.dead_letter_queue,
        )

    async def _work(self) -> None:
        await self._keep_sessions()
        await self._finish()  # what was begun over a connection that is lost since

    async def _session(self) -> None:
        from gatewright_sdk.events.rabbitmq_link import Held, NotExclusive, Topology  # noqa: PLC0415 - optional

        async with self._broker.connected() as link:
            await link.use(Topology(self._exchange, self._queue, self._routing_key))
            if self._dead_letter_queue:
                await link.use_queue(self._dead_letter_queue)
            refusals = 0
            while not self._stopping.is_set():
                try:
                    await link.consume(
                        self._queue,
                        lambda message: self._take(link, message),
                        prefetch=self._prefetch,
                        alone=self._ordered,
                        exclusive=self._ordered and refusals < _CONVINCED,
                    )
                except NotExclusive:
                    refusals += 1
                    await self._stand_by()
                except Held:
                    refusals = 0
                    await self._stand_by()
                else:
                    await self._consume(link)

    async def _stand_by(self) -> None:
        if not self._stands_by:
            _LOG.info("standing by: another consumer has the queue %s", self._queue)
        self._stands_by = True
        await self._sleep(_STAND_BY_SECONDS)

    async def _consume(self, link: Link) -> None:
        if self._stands_by:
            _LOG.info("this consumer is at work now")
        self._stands_by = False
        lost = asyncio.create_task(link.lost.wait())
        stopped = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({lost, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if link.lost.is_set():
                self._running.drop_waiting()  # they come again
                msg = f"rabbitmq {self._broker.shown} ended the consumer of {self._queue}"
                raise Unavailable(msg)
            await self._finish()
        finally:
            lost.cancel()
            stopped.cancel()

    def _take(self, link: Link, message: AbstractIncomingMessage) -> None:
        """Put a message behind those of its connection."""
        if self._stopping.is_set():
            return  # it comes again, once the connection is closed
        lanes, tag = self._running, message.delivery_tag
        try:
            event = parse_event(message.body, _delivery(message))
        except InvalidEvent as error:
            _LOG.error("message %s of %s is no event: %s", message.message_id, self._queue, error)
            lanes.add(f"message {tag}", tag, lambda: self._bury(link, message, "parse_error"))
            return
        if event is None:
            lanes.add(f"message {tag}", tag, lambda: self._settle(link, message))
            return
        lanes.add(event.connection_id, tag, lambda: self._process(link, message, event))

    async def _process(self, link: Link, message: AbstractIncomingMessage, event: Event) -> bool:
        if link.lost.is_set():
            return True  # it comes again
        name = message.message_id or ""
        tries = max(self._tries.get(name, 0), _delivered_before(message)) + 1
        outcome = await self._handle(event, tries, lambda: self._again(link, message))
        if outcome is Outcome.DONE:
            return await self._settle(link, message)
        if outcome is Outcome.GIVEN_UP:
            _LOG.error("message %s of %s is given up: it failed too often", name, self._queue)
            return await self._bury(link, message, "handler_failed")
        return outcome is Outcome.GONE

    async def _again(self, link: Link, message: AbstractIncomingMessage) -> Delivery | None:
        name = message.message_id
        if len(self._tries) > _MOST_REMEMBERED:
            self._tries.clear()
        if name:  # remembered for when it is delivered again over another connection
            self._tries[name] = max(self._tries.get(name, 0), _delivered_before(message)) + 1
        return None if link.lost.is_set() else _delivery(message, redelivered=True)

    async def _bury(self, link: Link, message: AbstractIncomingMessage, reason: str) -> bool:
        queue = self._dead_letter_queue
        if queue is None:
            await link.reject(message)
        else:
            try:
                await link.bury(queue, message, origin=self._queue, reason=reason)
            except Unavailable as error:
                _LOG.warning("%s; the dead letter waits for the next connection", error)
                link.lost.set()
                return True
            await link.acknowledge(message)
        self._tries.pop(message.message_id or "", None)
        return True

    async def _settle(self, link: Link, message: AbstractIncomingMessage) -> bool:
        await link.acknowledge(message)
        self._tries.pop(message.message_id or "", None)
        return True


def _delivery(message: AbstractIncomingMessage, *, redelivered: bool = False) -> Delivery:
    headers: Mapping[str, object] = message.headers
    seq, reason = headers.get("seq"), headers.get("reason")
    return Delivery(
        source="rabbitmq",
        id=message.message_id or None,
        seq=seq if isinstance(seq, int) and not isinstance(seq, bool) else None,
        reason=str(reason) if reason else None,
        redelivered=redelivered or bool(message.redelivered),
    )


def _delivered_before(message: AbstractIncomingMessage) -> int:
    """Return what a quorum queue has counted."""
    count = message.headers.get("x-delivery-count")
    return count if isinstance(count, int) else 0


def _broker(dsn: str) -> Broker:
    with needing("RabbitMqConsumer", "rabbitmq"):
        from gatewright_sdk.events.rabbitmq_link import Broker  # noqa: PLC0415 - optional
    return Broker(dsn)
