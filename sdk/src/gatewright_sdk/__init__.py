"""The backend's side of a gatewright gateway: publish, see who is connected, hear events.

A part's library, of ``gatewright-sdk[http]``, ``[redis]`` or ``[rabbitmq]``, is imported when the
part is made. `gatewright_sdk.sync` has publishing and presence for plain code.
"""

from __future__ import annotations

from gatewright_sdk.config import Settings
from gatewright_sdk.errors import (
    ConfigurationError,
    GatewrightError,
    InvalidEvent,
    InvalidPublication,
    MissingExtra,
    Refused,
    Unavailable,
)
from gatewright_sdk.events import (
    Answer,
    Consumer,
    Events,
    Handler,
    RabbitMqConsumer,
    RedisStreamConsumer,
    WebhookReceiver,
    consumer_of,
    parse_event,
    verify,
)
from gatewright_sdk.model import (
    Connected,
    Connection,
    Delivery,
    Disconnected,
    Event,
    MessageReceived,
)
from gatewright_sdk.presence import HttpPresence, Presence, PresenceProvider, RedisPresence
from gatewright_sdk.publishing import (
    Commands,
    HttpTransport,
    Publication,
    Published,
    Publisher,
    RabbitMqTransport,
    Reached,
    RedisStreamTransport,
    Rule,
    Transport,
)
from gatewright_sdk.subjects import HasSubjectKey, SubjectKeyResolver, SubjectKeys

__all__ = [
    "Answer",
    "Commands",
    "ConfigurationError",
    "Connected",
    "Connection",
    "Consumer",
    "Delivery",
    "Disconnected",
    "Event",
    "Events",
    "GatewrightError",
    "Handler",
    "HasSubjectKey",
    "HttpPresence",
    "HttpTransport",
    "InvalidEvent",
    "InvalidPublication",
    "MessageReceived",
    "MissingExtra",
    "Presence",
    "PresenceProvider",
    "Publication",
    "Published",
    "Publisher",
    "RabbitMqConsumer",
    "RabbitMqTransport",
    "Reached",
    "RedisPresence",
    "RedisStreamConsumer",
    "RedisStreamTransport",
    "Refused",
    "Rule",
    "Settings",
    "SubjectKeyResolver",
    "SubjectKeys",
    "Transport",
    "Unavailable",
    "WebhookReceiver",
    "consumer_of",
    "parse_event",
    "verify",
]
