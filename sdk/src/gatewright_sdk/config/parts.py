"""The settings of each part, with their defaults: those of the gateway and its other backends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

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
    "TransportSettings",
    "WebhookSettings",
]

REDIS = "redis://redis:6379"
RABBITMQ = "amqp://guest:guest@rabbitmq:5672/"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """Publishing over HTTP.

    Attributes:
        base_url: The gateway's address, such as ``http://gateway:8000``.
        api_key: One of the gateway's keys; None where it asks for none.
        publish_path: Where it takes publications.
        timeout_seconds: What one attempt may take in all.
        attempts: How often a publication with an id is tried; without one, once.
    """

    base_url: str = field(repr=False)
    api_key: str | None = field(default=None, repr=False)
    publish_path: str = "/internal/publish"
    timeout_seconds: float = 5.0
    attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisStreamSettings:
    """Publishing through a Redis stream.

    Attributes:
        dsn: ``redis://``, ``rediss://`` or ``unix://``.
        stream: The stream that gateways read.
        max_length: About how many entries the stream keeps; None: it is not trimmed here.
        timeout_seconds: What one publication may take in all.
    """

    dsn: str = field(default=REDIS, repr=False)
    stream: str = "ws.outbox"
    max_length: int | None = None
    timeout_seconds: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RabbitMqSettings:
    """Publishing through RabbitMQ.

    Attributes:
        dsn: ``amqp://`` or ``amqps://``; with and without the last slash, vhost ``/``.
        exchange: The durable direct exchange.
        queue: The durable queue that gateways read.
        routing_key: What binds the one to the other.
        timeout_seconds: What one publication may take in all, its confirmation included.
    """

    dsn: str = field(default=RABBITMQ, repr=False)
    exchange: str = "ws.outbox"
    queue: str = "ws.outbox"
    routing_key: str = "ws.outbox"
    timeout_seconds: float = 5.0


TransportSettings = HttpSettings | RedisStreamSettings | RabbitMqSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPresenceSettings:
    """Asking the gateway who is connected.

    Attributes:
        base_url: The gateway's address.
        api_key: One of its keys; None where it asks for none.
        list_path: Where it tells of all connections.
        by_user_path: Where it tells of a user's; ``{user_id}`` stands for the user.
        timeout_seconds: What one request may take in all.
    """

    base_url: str = field(repr=False)
    api_key: str | None = field(default=None, repr=False)
    list_path: str = "/internal/connections"
    by_user_path: str = "/internal/users/{user_id}/connections"
    timeout_seconds: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpretation:
    """Which of the connections that Redis holds are taken to be there still.

    Attributes:
        strategy: ``heartbeat``: those seen within ``heartbeat_seconds`` and ``grace_seconds``.
            ``ttl``: within ``ttl_seconds`` and the grace. ``none`` and ``session``: all.
        ttl_seconds: How long entries live without being refreshed.
        heartbeat_seconds: How often gateways refresh them at least.
        grace_seconds: How late that may be.
        use_last_seen: Whether ``last_seen_at`` counts; otherwise ``connected_at`` does.
    """

    strategy: Literal["none", "ttl", "heartbeat", "session"] = "heartbeat"
    ttl_seconds: int = 120
    heartbeat_seconds: int = 30
    grace_seconds: int = 15
    use_last_seen: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisPresenceSettings:
    """Reading who is connected from Redis, where the gateway's ``presence.redis`` keeps it.

    Attributes:
        dsn: ``redis://``, ``rediss://`` or ``unix://``.
        prefix: What the keys begin with.
        timeout_seconds: What one answer may take.
        interpretation: Which connections are taken to be there still.
    """

    dsn: str = field(default=REDIS, repr=False)
    prefix: str = "presence:"
    timeout_seconds: float = 5.0
    interpretation: Interpretation = Interpretation()


PresenceSettings = HttpPresenceSettings | RedisPresenceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """Hearing events by webhook.

    Attributes:
        path: Where the gateway posts them.
        enabled: Whether they are received; otherwise the answer is 404.
        secrets: Those that the gateway signs with; two while one is being replaced.
        tolerance_seconds: How old a request may be, where the signature tells its time.
        insecure: Whether events are believed without a secret.
    """

    path: str = "/internal/ws/events"
    enabled: bool = True
    secrets: tuple[str, ...] = field(default=(), repr=False)
    tolerance_seconds: float = 300.0
    insecure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisEventsSettings:
    """Hearing events from Redis streams, by a consumer group.

    Attributes:
        dsn: ``redis://``, ``rediss://`` or ``unix://``.
        streams: The streams; two where messages have one of their own.
        group: The consumer group.
        consumer: This process's name in it; None: one is made.
        start: Where a new group begins: ``$`` or ``0``.
        dead_letter_stream: Where entries go that cannot be handled; None: nowhere.
    """

    dsn: str = field(default=REDIS, repr=False)
    streams: tuple[str, ...] = ("ws.events",)
    group: str = "backend"
    consumer: str | None = None
    start: str = "$"
    dead_letter_stream: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RabbitMqEventsSettings:
    """Hearing events from a RabbitMQ queue.

    Attributes:
        dsn: ``amqp://`` or ``amqps://``; with and without the last slash, vhost ``/``.
        exchange: The durable direct exchange.
        queue: The durable queue.
        routing_key: What binds the one to the other.
        dead_letter_queue: Where messages go that cannot be handled; None: see the consumer.
    """

    dsn: str = field(default=RABBITMQ, repr=False)
    exchange: str = "ws.events"
    queue: str = "ws.events"
    routing_key: str = "ws.events"
    dead_letter_queue: str | None = None


@dataclass(frozen=True, slots=True)
class NoEventsSettings:
    """Hearing nothing."""


EventsSettings = WebhookSettings | RedisEventsSettings | RabbitMqEventsSettings | NoEventsSettings
