"""The plugin against the suite of buses, on a redis-server."""

from __future__ import annotations

import pytest

from gatewright.testing.conformance import BusCase, BusConformance
from gatewright.testing.ports import free_port
from gatewright_bus_redis import gatewright_bus


class TestBus(BusConformance):
    provides = frozenset({"cluster"})

    @pytest.fixture
    async def case(self, redis):
        return BusCase(
            factory=gatewright_bus(),
            options={"dsn": redis.dsn},
            unavailable={"dsn": f"redis://127.0.0.1:{free_port()}/"},
        )
