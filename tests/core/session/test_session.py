"""The client protocol, without a socket."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.doubles import FakeSocket

from gatewright import ConnectionInfo, Identity
from gatewright.metrics import Metrics
from gatewright.session.flood import FloodGuard
from gatewright.session.services import MessageCounts, SessionServices
from gatewright.session.session import Session
from gatewright.testing.clock import FakeClock

INFO = ConnectionInfo("c-1", "42", ("user:42",), 1_700_000_000)


class Allow:
    def __init__(self, count):
        self.left = count

    def admit(self):
        self.left -= 1
        return self.left >= 0


@dataclass
class World:
    """A session with everything around it recorded."""

    rate: float = 0.0
    burst: float = 1.0
    refresh: bool = False
    admitted: int | None = None
    events: list = field(default_factory=list)
    tokens: list = field(default_factory=list)
    touched: list = field(default_factory=list)
    left: list = field(default_factory=list)

    def __post_init__(self):
        self.clock = FakeClock()
        self.socket = FakeSocket()
        services = SessionServices(
            emit=self.events.append,
            joined=lambda _session: None,
            left=lambda _session, code, reason: self.left.append((code, reason)),
            touched=self.touched.append,
            reply=lambda session, frame: session.write(frame),
            settle=lambda: None,
            reauthenticate=lambda _session, token: self.tokens.append(token),
            refresh_enabled=self.refresh,
            flood=FloodGuard(self.rate, self.burst),
            counted=MessageCounts(Metrics()),
            clock=self.clock,
        )
        admission = None if self.admitted is None else Allow(self.admitted)
        self.session = Session(services, INFO, Identity("42"), admission)
        self.session.opened(self.socket)

    def bodies(self, kind):
        return [json.loads(event.body) for event in self.events if event.type == kind]


def test_events_are_numbered_and_their_ids_are_the_connections():
    world = World()
    world.session.text('{"a":1}')
    world.session.text("b")
    world.session.closed(1000, "")
    assert [event.type for event in world.events] == [
        "connected",
        "message_received",
        "message_received",
        "disconnected",
    ]
    assert [event.seq for event in world.events] == [1, 2, 3, 4]
    assert [event.id for event in world.events] == [f"c-1-{n}" for n in (1, 2, 3, 4)]
    assert world.left == [(1000, "")]


def test_bodies_have_exactly_the_contracts_fields():
    world = World()
    world.session.text('{"a":1}')
    base = {
        "connection_id": "c-1",
        "user_id": "42",
        "subjects": ["user:42"],
        "connected_at": 1_700_000_000,
    }
    assert world.bodies("connected") == [{"type": "connected", **base}]
    assert world.bodies("message_received") == [
        {"type": "message_received", **base, "message": {"a": 1}, "raw": '{"a":1}'}
    ]


def test_a_heartbeat_refreshes_presence():
    world = World()
    world.session.text('{"type":"heartbeat"}')
    assert world.touched == [world.session]
    assert world.socket.frames == ['{"type":"heartbeat_ack"}']


def test_pings_and_heartbeats_cost_nothing_of_the_rate_limit():
    world = World(admitted=1)
    for _ in range(5):
        world.session.text('{"type":"ping"}')
        world.session.text('{"type":"heartbeat"}')
    world.session.text("{}")
    world.session.text("{}")
    assert len(world.bodies("message_received")) == 1
    assert world.socket.frames[-1] == '{"type":"rate_limited"}'


def test_after_its_own_close_a_session_hears_nothing():
    world = World()
    world.session.close(1012, "retry=1")
    world.session.text("{}")
    world.session.text('{"type":"ping"}')
    assert world.bodies("message_received") == []
    assert world.socket.frames == []


def test_every_frame_counts_against_the_hidden_bucket():
    world = World(rate=1.0, burst=2.0)
    for _ in range(10):
        world.session.text('{"type":"ping"}')
        world.session.control()
    assert world.socket.closed is None
    world.session.control()
    assert world.socket.closed == (1008, "flood")


def test_the_hidden_bucket_refills():
    world = World(rate=1.0, burst=2.0)
    for _ in range(3):
        for _ in range(20):
            world.session.control()
        world.clock.advance(2.0)
    assert world.socket.closed is None


def test_without_a_rate_limit_there_is_no_hidden_bucket():
    world = World(rate=0.0)
    for _ in range(1000):
        world.session.control()
    assert world.socket.closed is None


def test_refresh_off_is_the_applications_message():
    world = World(refresh=False)
    world.session.text('{"type":"refresh","token":"t"}')
    assert world.tokens == []
    assert world.bodies("message_received")[0]["message"]["type"] == "refresh"


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"refresh"}',
        '{"type":"refresh","token":1}',
        '{"type":"refresh","token":"t","more":1}',
        '{"type":"refresh","token":null}',
    ],
)
def test_only_exactly_type_and_token_is_a_refresh(text):
    world = World(refresh=True)
    world.session.text(text)
    assert world.tokens == []
    assert len(world.bodies("message_received")) == 1


def test_one_refresh_at_a_time():
    world = World(refresh=True)
    world.session.text('{"type":"refresh","token":"one"}')
    world.session.text('{"type":"refresh","token":"two"}')
    assert world.tokens == ["one"]
    fresh = Identity("42", expires_at=1.0)
    world.session.refreshed(fresh)
    assert world.session.identity is fresh
    world.session.text('{"type":"refresh","token":"three"}')
    world.session.refreshed(None)
    assert world.session.identity is fresh
    assert world.socket.frames == ['{"type":"refreshed"}', '{"type":"refresh_failed"}']
    assert world.bodies("message_received") == []


def test_changed_subjects_show_in_later_events():
    world = World()
    world.session.rename(ConnectionInfo("c-1", "42", ("user:42", "room:1"), 1_700_000_000))
    world.session.closed(1000, "")
    assert world.bodies("disconnected")[0]["subjects"] == ["user:42", "room:1"]


def test_a_verdict_after_the_end_is_nobodys():
    world = World(refresh=True)
    world.session.text('{"type":"refresh","token":"one"}')
    world.session.closed(1006, "")
    world.session.refreshed(Identity("42"))
    assert world.socket.frames == []


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: (
        st.lists(children)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), children)
    ),
    max_leaves=10,
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    st.lists(TEXT | JSON.map(json.dumps) | JSON.map(lambda v: json.dumps(v, ensure_ascii=False)))
)
def test_no_text_kills_a_session_and_every_event_is_the_text(texts):
    world = World(refresh=True)
    for text in texts:
        world.session.text(text)
    forwarded = world.bodies("message_received")
    answered = len(world.socket.frames) + len(world.tokens)
    assert len(forwarded) + answered == len(texts)
    for body in forwarded:
        assert body["raw"] in texts
        if body["message"] != {"type": "raw", "payload": body["raw"]}:
            assert body["message"] == json.loads(body["raw"])
            assert isinstance(body["message"], dict)


def test_an_evicted_connection_ends_under_the_id_that_another_node_told():
    world = World()
    world.session.evict(1012, "retry=1")
    assert world.socket.closed == (1012, "retry=1")
    world.session.closed(1012, "retry=1")
    last = world.events[-1]
    assert (last.type, last.id, last.seq, last.reason) == (
        "disconnected",
        "c-1-lost",
        0,
        "node_lost",
    )
