"""What gatewright's RabbitMQ plugins share: connections, declarations, confirmed publishing."""

from __future__ import annotations

from gatewright_rabbitmq_kit.broker import Broker
from gatewright_rabbitmq_kit.certificates import UnusableCertificates
from gatewright_rabbitmq_kit.consumer import Consumer
from gatewright_rabbitmq_kit.deadlines import Deadline
from gatewright_rabbitmq_kit.diagnosis import diagnose_rabbitmq
from gatewright_rabbitmq_kit.dsn import AmqpDsn, AmqpName, BadDsn
from gatewright_rabbitmq_kit.errors import (
    UNAVAILABLE,
    Blocked,
    ConnectionLost,
    ConsumerCancelled,
    ExchangeGone,
    NotConfirmed,
    PublishFailed,
    QueueHeld,
    RabbitError,
    Refused,
    TopologyError,
    Unroutable,
    describe,
)
from gatewright_rabbitmq_kit.link import Link
from gatewright_rabbitmq_kit.messages import Message, persistent
from gatewright_rabbitmq_kit.needs import RabbitNeeds
from gatewright_rabbitmq_kit.pauses import Pauses
from gatewright_rabbitmq_kit.publisher import ConfirmedPublisher, Prepare
from gatewright_rabbitmq_kit.queue_store import STATE_HEADER, Codec, QueueStore
from gatewright_rabbitmq_kit.topology import ExchangeType, bind, use_exchange, use_queue

__all__ = [
    "STATE_HEADER",
    "UNAVAILABLE",
    "AmqpDsn",
    "AmqpName",
    "BadDsn",
    "Blocked",
    "Broker",
    "Codec",
    "ConfirmedPublisher",
    "ConnectionLost",
    "Consumer",
    "ConsumerCancelled",
    "Deadline",
    "ExchangeGone",
    "ExchangeType",
    "Link",
    "Message",
    "NotConfirmed",
    "Pauses",
    "Prepare",
    "PublishFailed",
    "QueueHeld",
    "QueueStore",
    "RabbitError",
    "RabbitNeeds",
    "Refused",
    "TopologyError",
    "Unroutable",
    "UnusableCertificates",
    "bind",
    "describe",
    "diagnose_rabbitmq",
    "persistent",
    "use_exchange",
    "use_queue",
]
