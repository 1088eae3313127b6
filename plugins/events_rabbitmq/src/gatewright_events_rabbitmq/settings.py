"""The options of ``events.rabbitmq`` and ``dead_letters.rabbitmq``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, LiteralString

from pydantic import Field, PositiveInt, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError

from gatewright import EventType, Settings, SinkSettings
from gatewright_rabbitmq_kit import AmqpDsn, AmqpName

__all__ = ["QueueLetterSettings", "RabbitmqSinkSettings", "RouteSettings"]

_DSN: Final = SecretStr("amqp://guest:guest@rabbitmq:5672/")
_NAMES: Final = ("exchange", "queue", "routing_key")
_NO_ROUTE: Final = "route"
_NOTHING: Final[LiteralString] = "must name an exchange, a queue or a routing key"

_Dsn = Annotated[
    AmqpDsn,
    Field(description="The RabbitMQ: amqp://user:password@host:5672/vhost, or amqps://."),
]


class RouteSettings(Settings):
    """One of ``routes``: where the events of a type go.

    A name that is missing or empty is taken from the others: the queue's from the routing key, the
    other two from the queue, and all from the exchange where it alone is given.
    """

    exchange: Annotated[AmqpName, Field(description="The direct exchange; absent: as queue.")]
    queue: Annotated[AmqpName, Field(description="The queue; absent: as routing_key.")]
    routing_key: Annotated[AmqpName, Field(description="What binds the two; absent: as queue.")]

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        given = {name: each for name, each in value.items() if not _is_empty(each)}
        if not any(name in given for name in _NAMES):
            raise PydanticCustomError(_NO_ROUTE, _NOTHING)
        queue = given.get("queue") or given.get("routing_key") or given.get("exchange")
        return dict.fromkeys(_NAMES, queue) | given


class RabbitmqSinkSettings(SinkSettings):
    """``events.rabbitmq``: where events go."""

    dsn: _Dsn = _DSN
    exchange: Annotated[
        AmqpName, Field(description="The direct exchange that events are published to.")
    ] = "ws.events"
    queue: Annotated[AmqpName, Field(description="The queue that holds them.")] = "ws.events"
    routing_key: Annotated[AmqpName, Field(description="What binds the queue to the exchange.")] = (
        "ws.events"
    )
    routes: Annotated[
        Mapping[EventType, RouteSettings],
        Field(description="Event type to another exchange, queue and routing_key."),
    ] = {}
    concurrency: Annotated[PositiveInt, Field(description="Attempts under way at once.")] = 2
    batch: Annotated[
        PositiveInt,
        Field(description="Events handed over in one attempt, each of another connection."),
    ] = 256

    @field_validator("routes", mode="before")
    @classmethod
    def _without_empty_routes(cls, value: object) -> object:
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return {kind: route for kind, route in value.items() if not _is_empty_route(route)}
        return value


class QueueLetterSettings(Settings):
    """``dead_letters.rabbitmq``: where dead letters are kept."""

    dsn: _Dsn = _DSN
    queue: Annotated[
        AmqpName,
        Field(description="The queue; not the transports' ws.dlq, which is read with --from."),
    ] = "ws.events.dlq"


def _is_empty(value: object) -> bool:
    return value is None or value == ""


def _is_empty_route(route: object) -> bool:
    if isinstance(route, Mapping):
        return all(_is_empty(each) for each in route.values())
    return _is_empty(route)
