"""The options of ``bus.rabbitmq``."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, PositiveFloat, SecretStr

from gatewright import Settings
from gatewright_rabbitmq_kit import AmqpDsn, AmqpName

__all__ = ["RabbitmqBusSettings"]

_LONGEST_EXCHANGE: Final = 120  # a dot and a node's id follow it in a queue's name


class RabbitmqBusSettings(Settings):
    """``bus.rabbitmq``: the exchange that all nodes share, and each node's queue."""

    dsn: Annotated[
        AmqpDsn,
        Field(description="The RabbitMQ: amqp://user:password@host:5672/vhost, or amqps://."),
    ] = SecretStr("amqp://guest:guest@rabbitmq:5672/")
    exchange: Annotated[
        AmqpName,
        Field(
            description="The fanout exchange; the same for all nodes of a cluster. Each node's "
            "queue is named after it: <exchange>.<node id>.",
            max_length=_LONGEST_EXCHANGE,
        ),
    ] = "gatewright.bus"
    expires_seconds: Annotated[
        int,
        Field(
            description="How long RabbitMQ keeps the queue of a node that is away.", ge=60, le=600
        ),
    ] = 120
    prefetch: Annotated[
        int,
        Field(description="The most messages a node holds unacknowledged.", ge=1, le=2000),
    ] = 1000
    publish_seconds: Annotated[
        PositiveFloat,
        Field(description="Time until a message must be accepted; then publishing is refused."),
    ] = 3.0
