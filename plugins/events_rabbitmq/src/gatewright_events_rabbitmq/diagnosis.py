"""What ``gatewright doctor`` looks at for this sink and this store."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gatewright import DiagnosisContext, Finding
from gatewright_events_rabbitmq.routes import Routes
from gatewright_events_rabbitmq.settings import QueueLetterSettings, RabbitmqSinkSettings
from gatewright_rabbitmq_kit import RabbitNeeds, diagnose_rabbitmq

__all__ = ["diagnose_sink", "diagnose_store"]


def diagnose_sink(
    settings: RabbitmqSinkSettings, context: DiagnosisContext
) -> AsyncIterator[Finding]:
    """Look at the RabbitMQ, at each event type's exchange and queue, and at the right to use them.

    A right to bind is not asked for: where somebody else bound the two, events arrive without it.
    """
    routes = Routes.of(settings)
    used = list(dict.fromkeys(routes[kind] for kind in settings.types))
    needs = RabbitNeeds(
        exchanges={route.exchange: "direct" for route in used},
        queues=list(dict.fromkeys(route.queue for route in used)),
        publishes=list(dict.fromkeys(route.exchange for route in used)),
    )
    return diagnose_rabbitmq(settings.dsn, needs, context)


def diagnose_store(
    settings: QueueLetterSettings, context: DiagnosisContext
) -> AsyncIterator[Finding]:
    """Look at the RabbitMQ and the queue, and at the right to write and read dead letters."""
    needs = RabbitNeeds(queues=[settings.queue], consumes=[settings.queue], publishes=[""])
    return diagnose_rabbitmq(settings.dsn, needs, context)
