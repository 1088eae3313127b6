"""The plugin against the suites of its kinds, on a rabbitmq-server."""

from __future__ import annotations

import pytest
from tests.plugins.events_rabbitmq.harness import messages

from gatewright.testing.conformance import (
    DeadLetterCase,
    DeadLetterConformance,
    EventSinkCase,
    EventSinkConformance,
    Heard,
)
from gatewright.testing.ports import free_port
from gatewright_events_rabbitmq import gatewright_dead_letters, gatewright_events


class TestSink(EventSinkConformance):
    @pytest.fixture
    async def case(self, rabbitmq):
        taken = []

        async def received():
            taken.extend(map(heard, await messages(rabbitmq.dsn)))
            return taken

        return EventSinkCase(
            factory=gatewright_events(),
            options={"dsn": rabbitmq.dsn},
            received=received,
            away={"dsn": f"amqp://127.0.0.1:{free_port()}/"},
        )


class TestStore(DeadLetterConformance):
    @pytest.fixture
    async def case(self, rabbitmq):
        return DeadLetterCase(factory=gatewright_dead_letters(), options={"dsn": rabbitmq.dsn})


def heard(message):
    beside = message.header.properties
    headers = beside.headers or {}
    return Heard(message.body, beside.message_id, headers.get("seq", 0), headers.get("reason"))
