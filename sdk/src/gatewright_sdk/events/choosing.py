"""The consumer that settings ask for."""

from __future__ import annotations

from typing import Any

from gatewright_sdk.config import RabbitMqEventsSettings, RedisEventsSettings, Settings
from gatewright_sdk.events.consumer import Consumer
from gatewright_sdk.events.rabbitmq import RabbitMqConsumer
from gatewright_sdk.events.redis_stream import RedisStreamConsumer
from gatewright_sdk.events.registry import Events

__all__ = ["consumer_of"]


def consumer_of(events: Events[Any], settings: Settings) -> Consumer | None:
    """Return the consumer that settings describe; None where events come by webhook, or not at all.

    Raises:
        MissingExtra: Its library is not installed.
    """
    if isinstance(settings.events, RedisEventsSettings):
        return RedisStreamConsumer.from_settings(events, settings)
    if isinstance(settings.events, RabbitMqEventsSettings):
        return RabbitMqConsumer.from_settings(events, settings)
    return None
