"""The plugin against the suite of buses, on a rabbitmq-server."""

from __future__ import annotations

import pytest

from gatewright.testing.conformance import BusCase, BusConformance
from gatewright.testing.ports import free_port
from gatewright_bus_rabbitmq import gatewright_bus


class TestBus(BusConformance):
    provides = frozenset({"cluster"})

    @pytest.fixture
    async def case(self, rabbitmq):
        return BusCase(
            factory=gatewright_bus(),
            options={"dsn": rabbitmq.dsn},
            unavailable={"dsn": f"amqp://127.0.0.1:{free_port()}/"},
        )
