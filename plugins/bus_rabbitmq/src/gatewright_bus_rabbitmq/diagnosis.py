"""What ``gatewright doctor`` looks at for this bus."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gatewright import DiagnosisContext, Finding
from gatewright_bus_rabbitmq.settings import RabbitmqBusSettings
from gatewright_rabbitmq_kit import RabbitNeeds, diagnose_rabbitmq

__all__ = ["diagnose"]


def diagnose(settings: RabbitmqBusSettings, context: DiagnosisContext) -> AsyncIterator[Finding]:
    """Look at the RabbitMQ, at the exchange and this node's queue, and at the right to use them."""
    exchange, queue = settings.exchange, f"{settings.exchange}.{context.node_id}"
    needs = RabbitNeeds(
        exchanges={exchange: "fanout"},
        queues=[queue],
        bindings=[(queue, exchange)],
        consumes=[queue],
        publishes=[exchange],
    )
    return diagnose_rabbitmq(settings.dsn, needs, context)
