"""The ``rabbitmq`` bus: what every bus does, over a fanout exchange."""

from __future__ import annotations

from gatewright import Command, Deliver, Health, Publication, Receipt
from gatewright_bus_kit import BusCore, Link
from gatewright_bus_rabbitmq.watch import Watch

__all__ = ["RabbitmqBus"]


class RabbitmqBus:
    """Reaches all nodes whose queues are bound to the exchange."""

    def __init__(self, core: BusCore, link: Link, watch: Watch, facts: dict[str, str]) -> None:
        self._core = core
        self._link = link
        self._watch = watch
        self._facts = facts

    async def publish(self, message: Publication | Command, *, count: bool) -> Receipt:
        """Publish ``message`` to the exchange; see `BusCore.publish`.

        Raises:
            BusUnavailable: RabbitMQ did not confirm it in time; retry with the same id.
        """
        return await self._core.publish(message, count=count)

    async def run(self, deliver: Deliver) -> None:
        """Consume this node's queue and give its messages to ``deliver`` until cancelled.

        Raises:
            QueueHeld: Another process with this node's id consumes it.
            ConnectionError: Or the like; started again, nothing that was kept is missed.
        """
        await self._core.run(deliver, self._link)

    def health(self) -> Health:
        """Tell whether messages come round, who else is there, and what was lost."""
        return self._core.health(detail=self._watch.detail, facts=self._facts)
