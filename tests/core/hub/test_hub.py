"""Who hears what."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from gatewright import Command, ConnectionInfo, Publication
from gatewright.hub.fanout import Fanout
from gatewright.hub.hub import Hub
from gatewright.hub.index import SubjectIndex
from gatewright.hub.seen import SeenIds
from gatewright.metrics import Metrics
from gatewright.testing.clock import FakeClock


@dataclass(eq=False)
class Member:
    info: ConnectionInfo
    got: list = field(default_factory=list)
    closed: tuple | None = None

    def write(self, frame):
        self.got.append(frame)

    def close(self, code, reason=""):
        self.closed = (code, reason)

    def rename(self, info):
        self.info = info


def member(number, user, *subjects):
    return Member(ConnectionInfo(f"c-{number}", user, (f"user:{user}", *subjects), 0))


def hub_of(*members, changed=lambda _info: None, clock=None, most=10):
    hub = Hub(
        seen=SeenIds(clock or FakeClock()),
        metrics=Metrics(),
        changed=changed,
        most_subjects=most,
        fanout=Fanout(lambda flush: flush()),
    )
    for each in members:
        hub.add(each)
    return hub


def publication(*subjects, payload=b"1", **fields):
    return Publication(subjects, payload, **fields)


def test_each_connection_gets_one_copy_and_all_share_the_frame():
    a, b, c = member(1, "1", "room"), member(2, "1", "room"), member(3, "2")
    hub = hub_of(a, b, c)
    assert hub.deliver(publication("user:1", "room", "nobody", payload=b'{"x": 1}')) == 2
    assert a.got == b.got
    assert a.got[0] is b.got[0]
    assert a.got[0].payload == b'{"type":"event","payload":{"x": 1}}'
    assert c.got == []


def test_nobody_hears_no_subjects():
    assert hub_of(member(1, "1")).deliver(publication()) == 0


def test_who_left_hears_nothing():
    a, b = member(1, "1"), member(2, "1")
    hub = hub_of(a, b)
    hub.remove(a)
    hub.remove(a)
    assert hub.deliver(publication("user:1")) == 1
    assert (a.got, len(b.got), len(hub)) == ([], 1, 1)


def test_a_repeated_id_reaches_nobody_and_answers_as_before():
    clock = FakeClock()
    a = member(1, "1")
    hub = hub_of(a, clock=clock)
    once = publication("user:1", id="x", source="http")
    assert hub.deliver(once) == 1
    hub.add(member(2, "1"))
    assert hub.seen(once) == 1
    assert hub.deliver(once) == 1
    assert len(a.got) == 1
    assert hub.deliver(publication("user:1", id="x", source="other")) == 2
    clock.advance(121)
    assert hub.seen(once) is None
    assert hub.deliver(once) == 2


def test_remembered_ids_are_bounded():
    seen = SeenIds(FakeClock(), most=3)
    for number in range(5):
        seen.add("s", str(number), number)
    assert [seen.get("s", str(number)) for number in range(5)] == [None, None, 2, 3, 4]


def test_disconnect_by_user_and_by_connection():
    a, b, c = member(1, "1"), member(2, "1"), member(3, "2")
    hub = hub_of(a, b, c)
    assert hub.deliver(Command("disconnect", user_id="1", code=4001, reason="bye")) == 2
    assert (a.closed, b.closed, c.closed) == ((4001, "bye"), (4001, "bye"), None)
    assert hub.deliver(Command("disconnect", connection_id="c-3")) == 1
    assert hub.deliver(Command("disconnect", connection_id="gone")) == 0


def test_changed_subjects_are_heard_and_reported():
    reported = []
    a = member(1, "1", "old")
    hub = hub_of(a, changed=reported.append)
    assert hub.deliver(Command("subjects", user_id="1", add=("new",), remove=("old",))) == 1
    assert hub.deliver(publication("old")) == 0
    assert hub.deliver(publication("new")) == 1
    assert reported == [a.info]
    assert a.info.subjects == ("user:1", "new")


def test_user_subjects_can_be_neither_added_nor_removed():
    a = member(1, "1")
    hub = hub_of(a)
    hub.deliver(Command("subjects", user_id="1", add=("user:2", "a\nb", ""), remove=("user:1",)))
    assert a.info.subjects == ("user:1",)


def test_subjects_per_connection_are_bounded():
    a = member(1, "1")
    hub = hub_of(a, most=3)
    hub.deliver(Command("subjects", user_id="1", add=("a", "b", "c", "d")))
    assert a.info.subjects == ("user:1", "a", "b")


SUBJECT = st.sampled_from("abcd")
STEP = st.tuples(st.sampled_from(["add", "discard"]), SUBJECT, st.integers(0, 3))


@given(st.lists(STEP), st.lists(SUBJECT))
def test_the_index_is_a_map_of_sets(steps, asked):
    members = [object() for _ in range(4)]
    index, model = SubjectIndex(), {subject: set() for subject in "abcd"}
    for action, subject, number in steps:
        getattr(index, action)(subject, members[number])
        getattr(model[subject], action)(members[number])
    found = index.matching(asked)
    assert len(found) == len(set(found))
    assert set(found) == set().union(*(model[subject] for subject in asked))
    assert {s: index.count(s) for s in "abcd"} == {s: len(model[s]) for s in "abcd"}
    assert len(index) == sum(bool(one) for one in model.values())
