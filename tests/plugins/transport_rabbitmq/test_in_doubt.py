"""Recognising what was handled and is given again."""

from dataclasses import dataclass, field
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from gatewright_transport_rabbitmq.in_doubt import InDoubt, key_of


@dataclass
class Message:
    body: bytes
    message_id: str | None = None
    header: SimpleNamespace = field(init=False)

    def __post_init__(self) -> None:
        self.header = SimpleNamespace(properties=SimpleNamespace(message_id=self.message_id))


def keys(*bodies: bytes):
    return [key_of(Message(each)) for each in bodies]


def lost(in_doubt: InDoubt, handled, unhandled=()) -> None:
    for each in keys(*handled):
        in_doubt.handled(each)
    in_doubt.lost([Message(each) for each in unhandled])


def test_what_was_handled_is_recognised_and_what_was_not_is_not():
    in_doubt = InDoubt(10)
    lost(in_doubt, [b"1", b"2", b"3"], [b"4", b"5"])
    assert [in_doubt.again(each) for each in keys(b"2", b"3", b"4", b"5", b"6")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_nothing_is_recognised_before_anything_was_lost():
    in_doubt = InDoubt(10)
    (key,) = keys(b"1")
    in_doubt.handled(key)
    assert not in_doubt.again(key)


def test_what_the_broker_has_seen_acknowledged_is_forgotten():
    in_doubt = InDoubt(10)
    one, two = keys(b"1", b"2")
    in_doubt.handled(one)
    in_doubt.acknowledged()
    mark = in_doubt.mark()
    in_doubt.handled(two)
    in_doubt.settled(mark)
    in_doubt.lost([])
    assert not in_doubt.again(one)
    assert in_doubt.again(two)


def test_others_having_had_the_queue_ends_it():
    in_doubt = InDoubt(10)
    lost(in_doubt, [b"1"])
    in_doubt.forget()
    assert not in_doubt.again(keys(b"1")[0])


def test_ids_tell_equal_bodies_apart():
    assert key_of(Message(b"1", "a")) != key_of(Message(b"1", "b"))


@given(
    bodies=st.lists(st.sampled_from([b"a", b"b", b"c"]), max_size=12),
    handled=st.integers(0, 12),
)
def test_equal_bodies_never_make_anything_unhandled_look_handled(bodies, handled):
    """Whatever is given again, no more is dropped than was handled and is given again."""
    handled = min(handled, len(bodies))
    for first in range(handled + 1):
        in_doubt = InDoubt(20)
        lost(in_doubt, bodies[:handled], bodies[handled:])
        again = bodies[first:]
        dropped = [each for each in again if in_doubt.again(key_of(Message(each)))]
        assert len(dropped) <= handled - first
        kept = sorted(again)
        for each in dropped:
            kept.remove(each)
        missing = sorted(bodies[handled:])
        for each in missing:
            assert each in kept
            kept.remove(each)
