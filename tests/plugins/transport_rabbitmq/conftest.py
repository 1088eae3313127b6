"""Fixtures for the RabbitMQ transport."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.plugins.transport_rabbitmq.harness import Backend, publishing

from gatewright.testing.brokers.rabbitmq_server import VirtualHost


@pytest.fixture
async def backend(rabbitmq: VirtualHost) -> AsyncIterator[Backend]:
    """A backend that publishes to the test's own virtual host."""
    async with publishing(rabbitmq.dsn) as publisher:
        yield publisher
