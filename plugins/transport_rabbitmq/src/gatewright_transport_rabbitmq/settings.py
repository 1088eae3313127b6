"""The options of ``transports.rabbitmq``."""

from __future__ import annotations

from typing import Annotated, Final, Literal, LiteralString, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from gatewright import TransportSettings
from gatewright_rabbitmq_kit import AmqpDsn, AmqpName

__all__ = ["Consume", "RabbitmqSettings"]

Consume = Literal["exclusive", "shared"]

_SAME: Final = "same_queue"
_MUST_DIFFER: Final[LiteralString] = (
    "queue and dead_letter_queue must differ; else what cannot be read is read again"
)


class RabbitmqSettings(TransportSettings):
    """``transports.rabbitmq``: where backends publish, and where broken messages go."""

    dsn: Annotated[
        AmqpDsn,
        Field(description="The RabbitMQ: amqp://user:password@host:5672/vhost, or amqps://."),
    ] = SecretStr("amqp://guest:guest@rabbitmq:5672/")
    exchange: Annotated[
        AmqpName, Field(description="The direct exchange that backends publish to.")
    ] = "ws.outbox"
    queue: Annotated[AmqpName, Field(description="The queue that is consumed.")] = "ws.outbox"
    routing_key: Annotated[AmqpName, Field(description="What binds the queue to the exchange.")] = (
        "ws.outbox"
    )
    dead_letter_queue: Annotated[
        AmqpName, Field(description="The queue that gets messages which cannot be read.")
    ] = "ws.dlq"
    consume: Annotated[
        Consume,
        Field(
            description="exclusive: one node at a time holds the queue, in order; "
            "shared: all nodes take from it, without order."
        ),
    ] = "exclusive"
    prefetch: Annotated[
        int,
        Field(description="The most messages a node holds unacknowledged.", ge=1, le=65_535),
    ] = 256

    @model_validator(mode="after")
    def _queues_differ(self) -> Self:
        if self.queue == self.dead_letter_queue:
            raise PydanticCustomError(_SAME, _MUST_DIFFER)
        return self
