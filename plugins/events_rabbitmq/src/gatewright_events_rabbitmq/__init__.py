"""Tells backends through RabbitMQ what gatewright's clients do, and keeps dead letters there.

The gateway's core owns order, retries, the breaker and what becomes a dead letter; this plugin
publishes and says of each event what became of it.
"""

from __future__ import annotations

from gatewright import Factory, hookimpl
from gatewright_events_rabbitmq.diagnosis import diagnose_sink, diagnose_store
from gatewright_events_rabbitmq.opening import open_sink, open_store
from gatewright_events_rabbitmq.settings import (
    QueueLetterSettings,
    RabbitmqSinkSettings,
    RouteSettings,
)
from gatewright_events_rabbitmq.sink import RabbitmqSink
from gatewright_events_rabbitmq.store import RabbitmqStore

__all__ = [
    "GATEWRIGHT_API",
    "QueueLetterSettings",
    "RabbitmqSink",
    "RabbitmqSinkSettings",
    "RabbitmqStore",
    "RouteSettings",
    "gatewright_dead_letters",
    "gatewright_events",
]

GATEWRIGHT_API = (1, 0)


@hookimpl
def gatewright_events() -> Factory[RabbitmqSinkSettings, RabbitmqSink]:
    """Declare the ``rabbitmq`` event sink."""
    return Factory(
        settings=RabbitmqSinkSettings,
        open=open_sink,
        diagnose=diagnose_sink,
        summary="events as messages of a RabbitMQ exchange",
    )


@hookimpl
def gatewright_dead_letters() -> Factory[QueueLetterSettings, RabbitmqStore]:
    """Declare the ``rabbitmq`` store of dead letters."""
    return Factory(
        settings=QueueLetterSettings,
        open=open_store,
        diagnose=diagnose_store,
        summary="dead letters in a RabbitMQ queue",
    )
