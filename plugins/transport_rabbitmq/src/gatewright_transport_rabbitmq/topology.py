"""The exchange, queue and binding that backends publish through."""

from __future__ import annotations

from dataclasses import dataclass

from aiormq.exceptions import ChannelAccessRefused, ChannelNotFoundEntity

from gatewright_rabbitmq_kit import Link, bind, use_exchange, use_queue

__all__ = ["Topology"]


@dataclass(frozen=True, slots=True)
class Topology:
    """What is asked for; what exists is used as it is, what is absent is declared.

    Attributes:
        exchange: The direct exchange.
        queue: The queue.
        routing_key: What binds it.
    """

    exchange: str
    queue: str
    routing_key: str

    async def ensure(self, link: Link) -> str:
        """See that everything is there and bound.

        Returns:
            What is not as it should be though messages may come, or ``""``.

        Raises:
            TopologyError: Something cannot be used.
            Exception: Any other of `UNAVAILABLE`.
        """
        await use_queue(link, self.queue)
        try:
            await use_exchange(link, self.exchange)
            await self._bind(link)
        except ChannelAccessRefused:
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
