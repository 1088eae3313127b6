"""The plugin against the suite of transports, on a redis-server."""

from __future__ import annotations

import pytest
from tests.plugins.transport_redis.harness import publishing

from gatewright.testing.conformance import TransportCase, TransportConformance
from gatewright.testing.ports import free_port
from gatewright_transport_redis import gatewright_transport


class TestTransport(TransportConformance):
    @pytest.fixture
    async def case(self, redis, publisher):
        async def submit(_backend, data):
            await publisher.add_raw(data)

        return TransportCase(
            factory=gatewright_transport(),
            options={"dsn": redis.dsn},
            submit=submit,
            away={"dsn": f"redis://127.0.0.1:{free_port()}"},
        )

    @pytest.fixture
    async def publisher(self, redis):
        async with publishing(redis) as found:
            yield found
