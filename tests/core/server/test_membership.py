"""Connections of a node that is gone, and our own when we are taken for gone."""

from __future__ import annotations

import json

import pytest
from structlog.testing import CapturingLogger

from gatewright import ConnectionInfo, DeadLettersUnwritten
from gatewright.metrics import Metrics
from gatewright.server.membership import NodeMembership
from gatewright.testing.clock import FakeClock

pytestmark = pytest.mark.anyio

GONE = ConnectionInfo("c-1", "42", ("user:42", "room:7"), 1_700_000_000)


class Events:
    """A dispatcher and a writer of dead letters in one."""

    def __init__(self, *, written=True):
        self.settled = []
        self.written = written

    async def settle(self, events):
        self.settled += events

    async def flush(self, _seconds):
        return self.written


class Member:
    def __init__(self):
        self.evicted = None

    def evict(self, code, reason):
        self.evicted = (code, reason)


class Hub:
    def __init__(self, *members):
        self.members = lambda: members


def membership(events, *members):
    metrics = Metrics()
    made = NodeMembership(
        hub=Hub(*members),
        dispatcher=events,
        dead_letters=events,
        metrics=metrics,
        clock=FakeClock(),
        log=CapturingLogger(),
    )
    return made, metrics


async def test_lost_connections_are_told_under_an_id_of_the_connection():
    events = Events()
    made, metrics = membership(events)
    await made.lost([GONE])
    (event,) = events.settled
    assert (event.type, event.id, event.seq, event.reason) == (
        "disconnected",
        "c-1-lost",
        0,
        "node_lost",
    )
    assert json.loads(event.body) == {
        "type": "disconnected",
        "connection_id": "c-1",
        "user_id": "42",
        "subjects": ["user:42", "room:7"],
        "connected_at": 1_700_000_000,
    }
    assert metrics.registry.get_sample_value("gatewright_lost_connections_total") == 1


async def test_what_is_neither_taken_nor_written_down_is_told_again_later():
    made, metrics = membership(Events(written=False))
    with pytest.raises(DeadLettersUnwritten):
        await made.lost([GONE])
    assert metrics.registry.get_sample_value("gatewright_lost_connections_total") == 0


async def test_an_evicted_node_closes_every_socket_with_a_hint():
    members = [Member(), Member()]
    made, _ = membership(Events(), *members)
    assert made.evict("claimed") == 2
    for each in members:
        code, reason = each.evicted
        assert code == 1012
        assert 0 <= int(reason.removeprefix("retry=")) <= 1000
