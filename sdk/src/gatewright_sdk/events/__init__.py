"""Hearing what clients do: handlers, and the ways by which events come."""

from __future__ import annotations

from gatewright_sdk.events.choosing import consumer_of
from gatewright_sdk.events.consumer import Consumer
from gatewright_sdk.events.parsing import parse_event
from gatewright_sdk.events.rabbitmq import RabbitMqConsumer
from gatewright_sdk.events.redis_stream import RedisStreamConsumer
from gatewright_sdk.events.registry import Events, Handler
from gatewright_sdk.events.signing import Verifier, verify
from gatewright_sdk.events.webhook import Answer, WebhookReceiver

__all__ = [
    "Answer",
    "Consumer",
    "Events",
    "Handler",
    "RabbitMqConsumer",
    "RedisStreamConsumer",
    "Verifier",
    "WebhookReceiver",
    "consumer_of",
    "parse_event",
    "verify",
]
