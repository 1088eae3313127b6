"""The arithmetic of gaps, against a model of a stream that does whatever streams do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright_redis_kit import Position, StreamInfo


class Stream:
    """A stream in memory that says about itself what Redis 7 says."""

    def __init__(self):
        self.entries, self.added, self.last = [], 0, "0-0"

    def add(self, number):
        self.added += 1
        self.last = f"{number}-0"
        self.entries.append(self.last)

    def info(self):
        tail = self.entries[-1] if self.entries else None
        return StreamInfo(self.last, len(self.entries), tail, self.added)

    def after(self, cursor, count):
        return [each for each in self.entries if number(each) > number(cursor)][:count]


def number(text):
    return int(text.partition("-")[0])


def started(stream):
    position = Position("1-0")
    position.start_at_end(stream.info())
    return position


def read(position, stream, count=1000):
    found = stream.after(position.cursor, count)
    if found:
        position.advance(found[-1], len(found))
    return found


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 5)),
        st.tuples(st.just("read"), st.integers(1, 7)),
        st.tuples(st.just("trim"), st.integers(0, 5)),
        st.tuples(st.just("delete"), st.integers(0, 9)),
        st.tuples(st.just("look"), st.none()),
    ),
    max_size=40,
)


@given(STEPS)
def test_read_and_missed_are_all_that_was_added(steps):
    """Whatever is added, trimmed and deleted between reads and looks: no false gap, none unseen."""
    stream, clock, got = Stream(), 10, []
    position = started(stream)
    for what, amount in [*steps, ("read", 1000), ("look", None)]:
        if what == "add":
            for _ in range(amount):
                clock += 1
                stream.add(clock)
        elif what == "read":
            got += read(position, stream, amount)
        elif what == "trim":
            stream.entries = stream.entries[len(stream.entries) - amount :] if amount else []
        elif what == "delete" and amount < len(stream.entries):
            del stream.entries[amount]
        elif what == "look":
            position.observe(stream.info())

    assert len(got) == len(set(got))
    assert len(got) + position.missed == stream.added
    assert (position.gaps > 0) == (position.missed > 0)
    assert position.lag == 0


def test_what_waits_is_known_and_counts_down():
    stream = Stream()
    position = started(stream)
    for each in range(10, 20):
        stream.add(each)

    position.observe(stream.info())
    read(position, stream, 4)

    assert (position.lag, position.gaps) == (6, 0)


def test_entries_trimmed_before_they_were_read_are_counted_at_the_next_look():
    stream = Stream()
    position = started(stream)
    for each in range(10, 20):
        stream.add(each)
    stream.entries = stream.entries[-3:]

    assert position.observe(stream.info())
    assert (position.missed, position.lag) == (7, 3)
    assert position.last_gap == "7 entries were removed before they were read"
    assert read(position, stream) == ["17-0", "18-0", "19-0"]
    assert not position.observe(stream.info())


def test_a_stream_that_went_back_is_read_from_its_own_end():
    stream = Stream()
    for each in range(10, 20):
        stream.add(each)
    position = started(stream)

    assert position.observe(StreamInfo("15-0", 6, "15-0", 6))
    assert (position.cursor, position.gaps) == ("15-0", 1)
    assert not position.observe(StreamInfo("15-0", 6, "15-0", 6))
    position.advance("30-0", 1)
    assert not position.observe(StreamInfo("30-0", 7, "30-0", 7))


def test_a_stream_that_was_replaced_and_has_grown_shows_by_its_count():
    stream = Stream()
    for each in range(10, 20):
        stream.add(each)
    position = started(stream)
    new = Stream()
    for each in range(20, 23):
        new.add(each)

    assert read(position, new) == ["20-0", "21-0", "22-0"]
    assert position.observe(new.info())
    assert (position.cursor, position.gaps) == ("22-0", 1)
    assert not position.observe(new.info())


def test_a_replaced_stream_that_is_not_read_yet_is_counted_once():
    stream = Stream()
    for each in range(10, 20):
        stream.add(each)
    position = started(stream)
    new = Stream()
    for each in range(20, 25):
        new.add(each)

    assert position.observe(new.info())
    assert len(read(position, new, 2)) == 2
    assert not position.observe(new.info())
    assert len(read(position, new)) == 3
    assert not position.observe(new.info())
    assert position.gaps == 1


def test_a_stream_that_is_gone_is_one_gap_however_often_one_looks():
    stream = Stream()
    stream.add(10)
    position = started(stream)

    assert position.observe(None)
    assert not position.observe(None)
    assert (position.cursor, position.gaps) == ("0-0", 1)
    new = Stream()
    new.add(5)
    assert read(position, new) == ["5-0"]
    assert not position.observe(new.info())


def test_a_start_taken_from_a_clock_is_kept_where_the_stream_is_ahead():
    stream = Stream()
    for each in (10, 20, 30):
        stream.add(each)
    position = Position("15-0")

    assert not position.observe(stream.info())
    assert read(position, stream) == ["20-0", "30-0"]
    assert not position.observe(stream.info())
    stream.add(40)
    stream.entries.clear()
    assert position.observe(stream.info())
    assert position.missed == 1


@pytest.mark.parametrize(("info", "cursor"), [(None, "0-0"), (("12-0", 1, "12-0", 1), "12-0")])
def test_a_start_taken_from_a_clock_that_is_ahead_gives_way_without_a_gap(info, cursor):
    position = Position("15-0")

    assert not position.observe(StreamInfo(*info) if info else None)
    assert (position.cursor, position.gaps) == (cursor, 0)


def test_servers_that_do_not_count_are_read_all_the_same():
    position = Position("1-0")
    position.start_at_end(StreamInfo("10-0", 1, "10-0", None))
    position.advance("30-0", 2)

    assert not position.observe(StreamInfo("40-0", 9, "40-0", None))
    assert position.lag is None or position.lag == 0
    assert position.observe(StreamInfo("20-0", 1, "20-0", None))
    assert (position.cursor, position.gaps) == ("20-0", 1)
