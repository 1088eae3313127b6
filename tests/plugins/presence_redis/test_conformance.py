"""Presence in Redis against the suite of its kind, on a real server."""

from __future__ import annotations

import pytest

from gatewright.testing.conformance import PresenceCase, PresenceConformance
from gatewright_presence_redis import gatewright_presence


class TestPresenceRedis(PresenceConformance):
    @pytest.fixture
    async def case(self, redis):
        return PresenceCase(factory=gatewright_presence(), options={"dsn": redis.dsn}, shared=True)
