"""The environment's names for settings: those of ``snoke/ws-bundle``, and more like them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["NAMES", "names_by_path", "nested"]

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "WS_MODE": ("mode",),
    "WS_TRANSPORT_TYPE": ("transport.type",),
    "WS_PRESENCE_TYPE": ("presence.type",),
    "WS_EVENTS_TYPE": ("events.type",),
    "WS_USER_PREFIX": ("subjects.user_prefix",),
    "WS_GATEWAY_BASE_URL": ("transport.http.base_url", "presence.http.base_url"),
    "WS_GATEWAY_API_KEY": ("transport.http.api_key", "presence.http.api_key"),
    "WS_GATEWAY_TIMEOUT_SECONDS": (
        "transport.http.timeout_seconds",
        "presence.http.timeout_seconds",
    ),
    "WS_GATEWAY_ATTEMPTS": ("transport.http.attempts",),
    "WS_REDIS_DSN": ("transport.redis_stream.dsn", "presence.redis.dsn", "events.redis_stream.dsn"),
    "WS_REDIS_STREAM": ("transport.redis_stream.stream",),
    "WS_REDIS_STREAM_MAX_LENGTH": ("transport.redis_stream.max_length",),
    "WS_REDIS_PREFIX": ("presence.redis.prefix",),
    "WS_REDIS_EVENTS_STREAM": ("events.redis_stream.stream",),
    "WS_REDIS_INBOX_STREAM": ("events.redis_stream.inbox_stream",),
    "WS_REDIS_EVENTS_DLQ_STREAM": ("events.redis_stream.dead_letter_stream",),
    "WS_EVENTS_GROUP": ("events.redis_stream.group",),
    "WS_EVENTS_CONSUMER": ("events.redis_stream.consumer",),
    "WS_EVENTS_START": ("events.redis_stream.start",),
    "WS_RABBITMQ_DSN": ("transport.rabbitmq.dsn", "events.rabbitmq.dsn"),
    "WS_RABBITMQ_EXCHANGE": ("transport.rabbitmq.exchange",),
    "WS_RABBITMQ_QUEUE": ("transport.rabbitmq.queue",),
    "WS_RABBITMQ_ROUTING_KEY": ("transport.rabbitmq.routing_key",),
    "WS_RABBITMQ_EVENTS_EXCHANGE": ("events.rabbitmq.exchange",),
    "WS_RABBITMQ_EVENTS_QUEUE": ("events.rabbitmq.queue",),
    "WS_RABBITMQ_EVENTS_ROUTING_KEY": ("events.rabbitmq.routing_key",),
    "WS_RABBITMQ_EVENTS_DLQ_QUEUE": ("events.rabbitmq.dead_letter_queue",),
    "WS_WEBHOOK_ENABLED": ("events.webhook.enabled",),
    "WS_WEBHOOK_PATH": ("events.webhook.path",),
    "WS_WEBHOOK_SECRET": ("events.webhook.secret",),
    "WS_WEBHOOK_NEXT_SECRET": ("events.webhook.next_secret",),
    "WS_WEBHOOK_TOLERANCE_SECONDS": ("events.webhook.tolerance_seconds",),
    "WS_WEBHOOK_INSECURE": ("events.webhook.insecure",),
}
"""Each name with the settings that it gives."""

_INSTEAD: Final = {"WS_WEBHOOK_SECRET": "SYMFONY_WEBHOOK_SECRET"}
"""What is read where the first is not set."""


def nested(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of an environment as `Settings.from_mapping` takes them.

    A name that is set to nothing counts as absent.
    """
    settings: dict[str, Any] = {}
    for name, paths in NAMES.items():
        value = environ.get(name) or environ.get(_INSTEAD.get(name, ""))
        for path in paths if value else ():
            *sections, last = path.split(".")
            place = settings
            for section in sections:
                place = place.setdefault(section, {})
            place[last] = value
    return settings


def names_by_path() -> dict[str, str]:
    """Return each setting's name in the environment."""
    return {path: name for name, paths in NAMES.items() for path in paths}
