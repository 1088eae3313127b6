"""Where events go, and that what they need is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aiormq.exceptions import ChannelAccessRefused, ChannelNotFoundEntity

from gatewright import EventType
from gatewright_events_rabbitmq.settings import RabbitmqSinkSettings
from gatewright_rabbitmq_kit import Link, bind, use_exchange, use_queue

__all__ = ["Route", "Routes"]


@dataclass(frozen=True, slots=True)
class Route:
    """An exchange, a queue and what binds them.

    Attributes:
        exchange: The direct exchange.
        queue: The queue.
        routing_key: What binds it.
    """

    exchange: str
    queue: str
    routing_key: str

    async def ensure(self, link: Link) -> str:
        """See that everything is there and bound; what exists is used as it is.

        Cancelling leaves what was declared.

        Returns:
            What is not as it should be though events may arrive, or ``""``.

        Raises:
            TopologyError: Something cannot be used.
            Exception: Any other of `UNAVAILABLE`.
        """
        try:
            await use_queue(link, self.queue)
            await use_exchange(link, self.exchange)
            await self._bind(link)
        except ChannelAccessRefused:
            # Whether events arrive all the same, the broker tells of each of them.
            return f"no permission to bind queue {self.queue} to exchange {self.exchange}"
        return ""

    async def mend(self, link: Link) -> str:
        """See that the binding is there, and everything else if it is not; as `ensure`."""
        try:
            await self._bind(link)
        except (ChannelNotFoundEntity, ChannelAccessRefused):
            return await self.ensure(link)
        return ""

    async def _bind(self, link: Link) -> None:
        await bind(link, queue=self.queue, exchange=self.exchange, routing_key=self.routing_key)


class Routes:
    """Each event type's route.

    Args:
        usual: Where events go.
        others: Where those of some types go instead.
        types: The types that are expected: what they need is declared.
    """

    def __init__(
        self, usual: Route, others: Mapping[EventType, Route], types: Iterable[EventType]
    ) -> None:
        self._usual = usual
        self._others = dict(others)
        self._each_once = tuple(dict.fromkeys(self[kind] for kind in types))

    @classmethod
    def of(cls, settings: RabbitmqSinkSettings) -> Routes:
        """Return the routes that the settings name."""
        others = {
            kind: Route(route.exchange, route.queue, route.routing_key)
            for kind, route in settings.routes.items()
        }
        usual = Route(settings.exchange, settings.queue, settings.routing_key)
        return cls(usual, others, settings.types)

    def __getitem__(self, kind: EventType) -> Route:
        return self._others.get(kind, self._usual)

    async def ensure(self, link: Link) -> str:
        """Do as `Route.ensure` does for all."""
        return _joined([await route.ensure(link) for route in self._each_once])

    async def mend(self, link: Link) -> str:
        """Do as `Route.mend` does for all."""
        return _joined([await route.mend(link) for route in self._each_once])


def _joined(notes: list[str]) -> str:
    return "; ".join(filter(None, notes))
