"""What ``gatewright doctor`` looks at for this transport."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gatewright import DiagnosisContext, Finding
from gatewright_rabbitmq_kit import RabbitNeeds, diagnose_rabbitmq
from gatewright_transport_rabbitmq.settings import RabbitmqSettings

__all__ = ["diagnose"]


def diagnose(settings: RabbitmqSettings, context: DiagnosisContext) -> AsyncIterator[Finding]:
    """Look at the RabbitMQ, at exchange and queues, and at the right to use them."""
    needs = RabbitNeeds(
        exchanges={settings.exchange: "direct"},
        queues=[settings.queue, settings.dead_letter_queue],
        bindings=[(settings.queue, settings.exchange)],
        consumes=[settings.queue],
        publishes=[""],  # dead letters
    )
    return diagnose_rabbitmq(settings.dsn, needs, context)
