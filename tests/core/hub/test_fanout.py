"""What is published at about the same time goes out with one write per connection, in order."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.hub.fanout import MOST_FRAMES, TURNS, Fanout
from gatewright.wire.frames import Frame


class Member:
    def __init__(self):
        self.writes = []

    def write(self, message):
        self.writes.append(message)

    @property
    def heard(self):
        return [frame.text for message in self.writes for frame in message.frames]


class Turns:
    """Stands for the loop."""

    def __init__(self):
        self.soon = []
        self.fanout = Fanout(self.soon.append)

    def over(self):
        soon, self.soon[:] = list(self.soon), []
        for flush in soon:
            flush()


def frame(number):
    return Frame(str(number).encode())


def test_publications_of_one_turn_are_one_write_and_their_bytes_are_shared():
    turns, room = Turns(), {Member() for _ in range(3)}
    for number in range(4):
        turns.fanout.send(room, frame(number))
    assert len(turns.soon) == 1
    assert all(member.writes == [] for member in room)
    turns.over()
    (batch,) = {message for member in room for message in member.writes}
    assert batch.wire == b"".join(frame(number).wire for number in range(4))


def test_a_single_publication_is_not_copied():
    turns, member, one = Turns(), Member(), frame(1)
    turns.fanout.send({member}, one)
    turns.over()
    assert member.writes[0] is one


def test_members_of_several_rooms_share_what_they_have_in_common():
    turns, a, b, both = Turns(), Member(), Member(), [Member(), Member()]
    turns.fanout.send({a, *both}, frame(1))
    turns.fanout.send({b, *both}, frame(2))
    turns.fanout.send({a, *both}, frame(3))
    turns.over()
    assert (a.heard, b.heard, both[0].heard) == (["1", "3"], ["2"], ["1", "2", "3"])
    assert both[0].writes[0] is both[1].writes[0]


def test_a_reply_waits_for_what_was_published_before_it_and_for_nothing_else():
    turns, member = Turns(), Member()
    turns.fanout.reply(member, frame("alone"))
    assert member.heard == ["alone"]
    turns.fanout.send({member}, frame("published"))
    turns.fanout.reply(member, frame("reply"))
    assert member.heard == ["alone"]
    turns.over()
    assert member.heard == ["alone", "published", "reply"]


def test_flushing_early_writes_once():
    turns, member = Turns(), Member()
    turns.fanout.send({member}, frame(1))
    turns.fanout.flush()
    turns.fanout.send({member}, frame(2))
    turns.over()
    turns.over()
    assert member.heard == ["1", "2"]


@given(
    st.lists(
        st.tuples(st.sets(st.integers(0, 4), min_size=1), st.booleans()), min_size=1, max_size=30
    )
)
def test_everybody_gets_everything_once_in_order(publications):
    turns, members = Turns(), [Member() for _ in range(5)]
    expected = [[] for _ in members]
    for number, (to, turn_ends) in enumerate(publications):
        turns.fanout.send([members[index] for index in to], frame(number))
        for index in to:
            expected[index].append(str(number))
        if turn_ends:
            turns.over()
    turns.over()
    assert [member.heard for member in members] == expected


@pytest.mark.anyio
async def test_what_comes_within_a_few_turns_of_the_loop_is_written_together():
    fanout, room = Fanout(), {Member()}
    (member,) = room
    for number in range(TURNS):
        fanout.send(room, frame(number))
        assert member.writes == []
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(member.writes) == 1
    assert member.heard == [str(number) for number in range(TURNS)]


@pytest.mark.anyio
async def test_much_at_once_does_not_wait():
    fanout, room = Fanout(), {Member()}
    (member,) = room
    for number in range(MOST_FRAMES + 1):
        fanout.send(room, frame(number))
    assert len(member.heard) == MOST_FRAMES
    fanout.flush()
    assert len(member.heard) == MOST_FRAMES + 1
