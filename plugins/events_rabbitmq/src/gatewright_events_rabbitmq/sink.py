"""The event sink: a batch published at once, an outcome per event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pamqp.common import FieldTable

from gatewright import Done, Event, Health, Outcome, Retry
from gatewright_events_rabbitmq.routes import Routes
from gatewright_events_rabbitmq.upkeep import Upkeep
from gatewright_rabbitmq_kit import UNAVAILABLE, Message, PublishFailed, describe, persistent

__all__ = ["RabbitmqSink"]

_DONE: Final = Done()


class RabbitmqSink:
    """Publishes events, and takes the broker's word for each.

    Nothing that RabbitMQ says is final: whatever it refuses today, somebody can mend.

    Args:
        upkeep: Keeps the publisher connected.
        routes: Where each type goes.
    """

    __slots__ = ("_publisher", "_routes", "_upkeep")

    def __init__(self, upkeep: Upkeep, routes: Routes) -> None:
        self._upkeep = upkeep
        self._publisher = upkeep.publisher
        self._routes = routes

    async def send(self, batch: Sequence[Event]) -> Sequence[Outcome]:
        """Publish each event once and say what became of it.

        Where connecting failed it says so at once; the first call waits for the first attempt.
        Being cancelled leaves open whether any was stored. Safe from many tasks.
        """
        if self._upkeep.away and not self._publisher.connected:
            self._upkeep.call()
            return [Retry(f"not connected: {self._upkeep.trouble}")] * len(batch)
        try:
            answers = await self._publisher.publish_many([self._message(each) for each in batch])
        except UNAVAILABLE as error:
            return [Retry(describe(error))] * len(batch)
        finally:
            if not self._publisher.connected:
                self._upkeep.call()
        return [_DONE if answer is None else _again(answer) for answer in answers]

    async def run(self) -> None:
        """Keep the connection up until cancelled, and what is published to in place."""
        await self._upkeep.run()

    def health(self) -> Health:
        """Tell whether events can be published, and why not."""
        return self._upkeep.health()

    def _message(self, event: Event) -> Message:
        route = self._routes[event.type]
        headers: FieldTable = {"seq": event.seq} if event.seq else {}
        if event.reason is not None:
            headers["reason"] = event.reason
        return Message(
            event.body,
            route.exchange,
            route.routing_key,
            persistent(message_id=event.id, headers=headers),
        )


def _again(answer: PublishFailed) -> Retry:
    return Retry(describe(answer))
