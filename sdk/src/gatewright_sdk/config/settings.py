"""All settings of a backend, from a mapping or the environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar, cast

from gatewright_sdk.config import environment
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
from gatewright_sdk.config.section import Problems, Section

__all__ = ["Settings"]

_WEB: Final = ("http", "https")
_REDIS: Final = ("redis", "rediss", "unix")
_AMQP: Final = ("amqp", "amqps")
_STRATEGIES: Final = ("none", "ttl", "heartbeat", "session")

_S = TypeVar("_S")
_Readers = Mapping[str, Callable[[Section], _S]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a backend speaks with the gateway.

    Attributes:
        transport: How it publishes.
        presence: How it learns who is connected.
        events: How it hears what clients do.
        user_prefix: What the subjects of users begin with.
    """

    transport: TransportSettings
    presence: PresenceSettings
    events: EventsSettings
    user_prefix: str = "user:"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the environment, ``os.environ`` unless another is given.

        The names are listed in `gatewright_sdk.config.environment`. A name that is set to nothing
        counts as absent.

        Raises:
            ConfigurationError: Something is missing or wrong; a line for each problem.
        """
        values = environment.nested(os.environ if environ is None else environ)
        return _read(values, Problems(environment.names_by_path()))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Settings:
        """Read a mapping with ``mode``, ``transport``, ``presence``, ``events`` and ``subjects``.

        ``transport``, ``presence`` and ``events`` have a ``type``, and under the types' names a
        mapping of what is set: ``{"transport": {"type": "http", "http": {"base_url": …}}}``. Where
        a type is absent, ``mode`` decides: ``terminator``, the default, means ``http``, ``http``
        and ``webhook``; ``core`` means ``redis_stream``, ``redis`` and ``redis_stream``. Only the
        settings of the chosen types are looked at.

        Raises:
            ConfigurationError: Something is missing, wrong, or no setting; a line for each problem.
        """
        return _read(values, Problems())


def _read(values: Mapping[str, Any], problems: Problems) -> Settings:
    root = Section(values, "", problems)
    core = root.choice("mode", ("terminator", "core"), "terminator") == "core"
    subjects = root.section("subjects")
    settings = Settings(
        transport=_transport(root.section("transport"), core=core),
        presence=_presence(root.section("presence"), core=core),
        events=_events(root.section("events"), core=core),
        user_prefix=subjects.text("user_prefix", "user:"),
    )
    subjects.finish()
    root.finish()
    problems.raise_if_any()
    return settings


def _transport(section: Section, *, core: bool) -> TransportSettings:
    types: _Readers[TransportSettings] = {
        "http": _http,
        "redis_stream": _redis_stream,
        "rabbitmq": _rabbitmq,
    }
    chosen = section.choice("type", types, "redis_stream" if core else "http")
    return types[chosen](_only(section, chosen, types))


def _presence(section: Section, *, core: bool) -> PresenceSettings:
    types = ("http", "redis")
    chosen = section.choice("type", types, "redis" if core else "http")
    interpretation = _interpretation(section.section("interpretation"))
    part = _only(section, chosen, types)
    return _http_presence(part) if chosen == "http" else _redis_presence(part, interpretation)


def _events(section: Section, *, core: bool) -> EventsSettings:
    types: _Readers[EventsSettings] = {
        "webhook": _webhook,
        "redis_stream": _redis_events,
        "rabbitmq": _rabbitmq_events,
    }
    chosen = section.choice("type", (*types, "none"), "redis_stream" if core else "webhook")
    part = _only(section, chosen, types)
    return types[chosen](part) if chosen in types else NoEventsSettings()


def _only(section: Section, chosen: str, types: Mapping[str, Any] | tuple[str, ...]) -> Section:
    """Return the part of the chosen type; the others may stand there unread."""
    section.leave(*types)
    part = section.section(chosen)
    section.finish()
    return part


def _http(part: Section) -> HttpSettings:
    usual = HttpSettings(base_url="")
    settings = HttpSettings(
        base_url=part.address("base_url", None, _WEB).rstrip("/"),
        api_key=part.key("api_key"),
        publish_path=part.path("publish_path", usual.publish_path),
        timeout_seconds=part.seconds("timeout_seconds", usual.timeout_seconds),
        attempts=part.integer("attempts", usual.attempts, 1),
    )
    part.finish()
    return settings


def _redis_stream(part: Section) -> RedisStreamSettings:
    usual = RedisStreamSettings()
    settings = RedisStreamSettings(
        dsn=part.address("dsn", usual.dsn, _REDIS),
        stream=part.text("stream", usual.stream),
        max_length=part.optional_integer("max_length", 1),
        timeout_seconds=part.seconds("timeout_seconds", usual.timeout_seconds),
    )
    part.finish()
    return settings


def _rabbitmq(part: Section) -> RabbitMqSettings:
    usual = RabbitMqSettings()
    settings = RabbitMqSettings(
        dsn=part.address("dsn", usual.dsn, _AMQP),
        exchange=part.text("exchange", usual.exchange),
        queue=part.text("queue", usual.queue),
        routing_key=part.text("routing_key", usual.routing_key),
        timeout_seconds=part.seconds("timeout_seconds", usual.timeout_seconds),
    )
    part.finish()
    return settings


def _http_presence(part: Section) -> HttpPresenceSettings:
    usual = HttpPresenceSettings(base_url="")
    settings = HttpPresenceSettings(
        base_url=part.address("base_url", None, _WEB).rstrip("/"),
        api_key=part.key("api_key"),
        list_path=part.path("list_path", usual.list_path),
        by_user_path=part.path("by_user_path", usual.by_user_path, holding="{user_id}"),
        timeout_seconds=part.seconds("timeout_seconds", usual.timeout_seconds),
    )
    part.finish()
    return settings


def _redis_presence(part: Section, interpretation: Interpretation) -> RedisPresenceSettings:
    usual = RedisPresenceSettings()
    settings = RedisPresenceSettings(
        dsn=part.address("dsn", usual.dsn, _REDIS),
        prefix=part.text("prefix", usual.prefix),
        timeout_seconds=part.seconds("timeout_seconds", usual.timeout_seconds),
        interpretation=interpretation,
    )
    part.finish()
    return settings


def _interpretation(part: Section) -> Interpretation:
    usual = Interpretation()
    strategy = part.choice("strategy", _STRATEGIES, usual.strategy)
    settings = Interpretation(
        strategy=cast("Literal['none', 'ttl', 'heartbeat', 'session']", strategy),
        ttl_seconds=part.integer("ttl_seconds", usual.ttl_seconds, 1),
        heartbeat_seconds=part.integer("heartbeat_seconds", usual.heartbeat_seconds, 1),
        grace_seconds=part.integer("grace_seconds", usual.grace_seconds, 0),
        use_last_seen=part.flag("use_last_seen", default=usual.use_last_seen),
    )
    part.finish()
    return settings


def _webhook(part: Section) -> WebhookSettings:
    usual = WebhookSettings()
    secrets = (*part.secrets("secret"), *part.secrets("next_secret"), *part.secrets("secrets"))
    settings = WebhookSettings(
        path=part.path("path", usual.path),
        enabled=part.flag("enabled", default=usual.enabled),
        secrets=secrets,
        tolerance_seconds=part.seconds("tolerance_seconds", usual.tolerance_seconds),
        insecure=part.flag("insecure", default=usual.insecure),
    )
    part.finish()
    return settings


def _redis_events(part: Section) -> RedisEventsSettings:
    """``stream`` and ``inbox_stream`` say the same as ``streams``, as two names do."""
    usual = RedisEventsSettings()
    stream = part.text("stream", usual.streams[0])
    inbox = part.optional_text("inbox_stream")
    both = (stream,) if inbox is None or inbox == stream else (stream, inbox)
    settings = RedisEventsSettings(
        dsn=part.address("dsn", usual.dsn, _REDIS),
        streams=part.texts("streams", both),
        group=part.text("group", usual.group),
        consumer=part.optional_text("consumer"),
        start=part.choice("start", ("$", "0"), usual.start),
        dead_letter_stream=part.optional_text("dead_letter_stream"),
    )
    part.finish()
    return settings


def _rabbitmq_events(part: Section) -> RabbitMqEventsSettings:
    usual = RabbitMqEventsSettings()
    settings = RabbitMqEventsSettings(
        dsn=part.address("dsn", usual.dsn, _AMQP),
        exchange=part.text("exchange", usual.exchange),
        queue=part.text("queue", usual.queue),
        routing_key=part.text("routing_key", usual.routing_key),
        dead_letter_queue=part.optional_text("dead_letter_queue"),
    )
    part.finish()
    return settings
