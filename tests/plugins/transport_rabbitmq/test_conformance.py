"""The plugin against the suite of transports, on a rabbitmq-server."""

from __future__ import annotations

import pytest
from tests.plugins.transport_rabbitmq.harness import publishing

from gatewright.testing.conformance import TransportCase, TransportConformance
from gatewright.testing.ports import free_port
from gatewright_transport_rabbitmq import gatewright_transport


class TestTransport(TransportConformance):
    @pytest.fixture
    async def case(self, rabbitmq, publisher):
        async def submit(_backend, data):
            await publisher.publish_raw(data)

        return TransportCase(
            factory=gatewright_transport(),
            options={"dsn": rabbitmq.dsn},
            submit=submit,
            away={"dsn": f"amqp://127.0.0.1:{free_port()}/"},
        )

    @pytest.fixture
    async def publisher(self, rabbitmq):
        async with publishing(rabbitmq.dsn) as found:
            yield found
