"""Carries publications and commands between gatewright's nodes over RabbitMQ."""

from __future__ import annotations

from gatewright import Factory, hookimpl
from gatewright_bus_rabbitmq.bus import RabbitmqBus
from gatewright_bus_rabbitmq.diagnosis import diagnose
from gatewright_bus_rabbitmq.opening import open_bus
from gatewright_bus_rabbitmq.settings import RabbitmqBusSettings

__all__ = ["GATEWRIGHT_API", "RabbitmqBus", "RabbitmqBusSettings", "gatewright_bus"]

GATEWRIGHT_API = (1, 0)


@hookimpl
def gatewright_bus() -> Factory[RabbitmqBusSettings, RabbitmqBus]:
    """Declare the ``rabbitmq`` bus."""
    return Factory(
        settings=RabbitmqBusSettings,
        open=open_bus,
        diagnose=diagnose,
        summary="Reaches all nodes over a RabbitMQ fanout exchange and a queue for each.",
        provides=frozenset({"cluster"}),
    )
