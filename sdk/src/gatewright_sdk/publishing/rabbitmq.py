"""Publishing through RabbitMQ."""

from __future__ import annotations

from collections.abc import Sequence

from gatewright_sdk.config import RabbitMqSettings
from gatewright_sdk.errors import Unavailable, needing
from gatewright_sdk.publishing.publication import Publication, Published

__all__ = ["RabbitMqTransport"]


class RabbitMqTransport:
    """Publishes persistent messages, each confirmed. Needs ``gatewright-sdk[rabbitmq]``.

    Exchange, queue and binding are used as they are; what is missing is declared, durable and
    without arguments, as gateways do. A message that the broker confirmed is delivered once a
    gateway takes it from the queue.

    Args:
        settings: Which RabbitMQ, exchange and queue.

    Raises:
        MissingExtra: The library is not installed.
        ConfigurationError: The address is none.
    """

    def __init__(self, settings: RabbitMqSettings) -> None:
        with needing("RabbitMqTransport", "rabbitmq"):
            from gatewright_sdk.links.rabbitmq import RabbitMqLink  # noqa: PLC0415 - optional
        self._link = RabbitMqLink(
            settings.dsn,
            settings.exchange,
            settings.queue,
            settings.routing_key,
            settings.timeout_seconds,
        )

    async def send(self, publication: Publication) -> Published:
        """Publish one message; see `Transport.send`."""
        body = publication.encoded()
        async with self._link.answered():
            await self._link.publish(body)
        return Published()

    async def send_many(self, publications: Sequence[Publication]) -> Sequence[Published]:
        """Publish them one after the other, each confirmed; see `Transport.send_many`."""
        bodies = [publication.encoded() for publication in publications]
        for number, body in enumerate(bodies):
            try:
                async with self._link.answered():
                    await self._link.publish(body)
            except Unavailable as error:
                error.published = number
                raise
        return [Published()] * len(bodies)

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()
