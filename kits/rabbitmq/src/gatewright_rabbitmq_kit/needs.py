"""What a plugin does with its RabbitMQ, for whoever judges whether it can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gatewright_rabbitmq_kit.topology import ExchangeType

__all__ = ["RabbitNeeds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RabbitNeeds:
    """What a plugin does with its RabbitMQ.

    Attributes:
        exchanges: The exchanges that it uses and declares where they are absent, with their types.
        queues: The queues that it uses and declares where they are absent.
        bindings: Which queue it binds to which exchange.
        consumes: The queues that it takes messages from.
        publishes: The exchanges that it publishes to; ``""`` is the default exchange.
        version: The oldest server that it can work with.
    """

    exchanges: Mapping[str, ExchangeType] = field(default_factory=dict)
    queues: Sequence[str] = ()
    bindings: Sequence[tuple[str, str]] = ()
    consumes: Sequence[str] = ()
    publishes: Sequence[str] = ()
    version: tuple[int, int] = (3, 8)
