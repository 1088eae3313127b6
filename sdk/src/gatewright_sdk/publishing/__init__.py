"""Publishing to the clients of a gateway."""

from __future__ import annotations

from gatewright_sdk.publishing.choosing import ChoosingTransport, Rule
from gatewright_sdk.publishing.commands import Commands, Reached
from gatewright_sdk.publishing.http import HttpTransport
from gatewright_sdk.publishing.publication import Publication, Published
from gatewright_sdk.publishing.publisher import Publisher
from gatewright_sdk.publishing.rabbitmq import RabbitMqTransport
from gatewright_sdk.publishing.redis_stream import RedisStreamTransport
from gatewright_sdk.publishing.transport import Transport

__all__ = [
    "ChoosingTransport",
    "Commands",
    "HttpTransport",
    "Publication",
    "Published",
    "Publisher",
    "RabbitMqTransport",
    "Reached",
    "RedisStreamTransport",
    "Rule",
    "Transport",
]
