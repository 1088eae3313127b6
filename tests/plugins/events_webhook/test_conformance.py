"""The plugin against the suite of event sinks, before a real HTTP server."""

from __future__ import annotations

import pytest
from tests.plugins.events_webhook.receiver import answer

from gatewright.testing.conformance import EventSinkCase, EventSinkConformance, Heard
from gatewright.testing.ports import free_port
from gatewright_events_webhook import gatewright_events


class TestSink(EventSinkConformance):
    @pytest.fixture
    async def case(self, receiver):
        async def received():
            return [heard(request) for request in receiver.received]

        async def refuse():
            receiver.will(answer(400))

        return EventSinkCase(
            factory=gatewright_events(),
            options={"url": receiver.url},
            received=received,
            away={"url": f"http://127.0.0.1:{free_port()}/"},
            refuse=refuse,
        )


def heard(request):
    headers = {name.lower(): value for name, value in request.headers}
    seq = int(headers.get("x-webhook-seq", "0"))
    return Heard(request.body, headers["webhook-id"], seq, headers.get("x-webhook-reason"))
