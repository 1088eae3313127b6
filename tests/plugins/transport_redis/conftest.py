"""Fixtures for the Redis stream transport."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.plugins.transport_redis.harness import Publisher, publishing

from gatewright.testing.brokers.redis_server import RedisServer


@pytest.fixture
async def backend(redis: RedisServer) -> AsyncIterator[Publisher]:
    """A backend that publishes to the test's own Redis."""
    async with publishing(redis) as publisher:
        yield publisher
