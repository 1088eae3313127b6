"""The plugin against the suites of its kinds, on a rabbitmq-server."""

from __future__ import annotations

import pytest

from gatewright.testing.conformance import DeadLetterCase, DeadLetterConformance
from gatewright_events_rabbitmq import gatewright_dead_letters


class TestStore(DeadLetterConformance):
    @pytest.fixture
    async def case(self, rabbitmq):
        return DeadLetterCase(factory=gatewright_dead_letters(), options={"dsn": rabbitmq.dsn})
