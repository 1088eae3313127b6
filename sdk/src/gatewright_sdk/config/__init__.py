"""Settings: what they are, and where they come from."""

from __future__ import annotations

from gatewright_sdk.config.parts import (
    EventsSettings,
    HttpPresenceSettings,
    HttpSettings,
    Interpretation,
    NoEventsSettings,
    PresenceSettings,
    RabbitMqEventsSettings,
    RabbitMqSettings,
    RedisEventsSettings,
    RedisPresenceSettings,
    RedisStreamSettings,
    TransportSettings,
    WebhookSettings,
)
from gatewright_sdk.config.settings import Settings

__all__ = [
    "EventsSettings",
    "HttpPresenceSettings",
    "HttpSettings",
    "Interpretation",
    "NoEventsSettings",
    "PresenceSettings",
    "RabbitMqEventsSettings",
    "RabbitMqSettings",
    "RedisEventsSettings",
    "RedisPresenceSettings",
    "RedisStreamSettings",
    "Settings",
    "TransportSettings",
    "WebhookSettings",
]
