"""Lets backends publish to gatewright's clients through RabbitMQ."""

from __future__ import annotations

from gatewright import Factory, hookimpl
from gatewright_transport_rabbitmq.diagnosis import diagnose
from gatewright_transport_rabbitmq.opening import open_transport
from gatewright_transport_rabbitmq.settings import RabbitmqSettings
from gatewright_transport_rabbitmq.transport import RabbitmqTransport

__all__ = ["GATEWRIGHT_API", "RabbitmqSettings", "RabbitmqTransport", "gatewright_transport"]

GATEWRIGHT_API = (1, 0)


@hookimpl
def gatewright_transport() -> Factory[RabbitmqSettings, RabbitmqTransport]:
    """Declare the ``rabbitmq`` transport."""
    return Factory(
        settings=RabbitmqSettings,
        open=open_transport,
        diagnose=diagnose,
        summary="Backends publish to a RabbitMQ queue that one node at a time reads.",
    )
