"""The plugin against the suites of its kinds, on a redis-server."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from gatewright.testing.conformance import (
    DeadLetterCase,
    DeadLetterConformance,
    EventSinkCase,
    EventSinkConformance,
    Heard,
)
from gatewright.testing.ports import free_port
from gatewright_events_redis import gatewright_dead_letters, gatewright_events


class TestSink(EventSinkConformance):
    @pytest.fixture
    async def case(self, redis):
        async def received():
            async with Redis.from_url(redis.dsn) as client:
                return [heard(fields) for _, fields in await client.xrange("ws.events")]

        return EventSinkCase(
            factory=gatewright_events(),
            options={"dsn": redis.dsn},
            received=received,
            away={"dsn": f"redis://127.0.0.1:{free_port()}"},
        )


class TestStore(DeadLetterConformance):
    @pytest.fixture
    async def case(self, redis):
        return DeadLetterCase(factory=gatewright_dead_letters(), options={"dsn": redis.dsn})


def heard(fields):
    reason = fields[b"reason"].decode() if b"reason" in fields else None
    return Heard(fields[b"data"], fields[b"id"].decode(), int(fields.get(b"seq", 0)), reason)
