"""Cursors, against a model of how Redis scans a table that grows and shrinks meanwhile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright_presence_redis.places import START, ForeignCursor, Place

BITS = 64


def mirrored(number):
    return int(f"{number:0{BITS}b}"[::-1], 2)


class Table:
    """Redis's hash table as `dictScan` walks it: buckets by the low bits, counted from the top."""

    def __init__(self, hashes, bits):
        self.hashes = hashes
        self.bits = bits

    def scan(self, cursor, count):
        mask = (1 << self.bits) - 1
        found = []
        while True:
            found += [name for name, h in self.hashes.items() if h & mask == cursor & mask]
            cursor = mirrored((mirrored(cursor | (~mask & (2**BITS - 1))) + 1) % 2**BITS)
            if cursor == 0 or len(found) >= count:
                return found, cursor


def give(table, place, limit, count):
    """Page as the finder does."""
    found = []
    while True:
        batch, following = table.scan(place.scan, count)
        for name in sorted(one for one in batch if one > place.last and one not in found):
            if len(found) == limit:
                return found, place.within(following, found[-1])
            found.append(name)
        after = place.after(following)
        if after is None or len(found) == limit:
            return found, after
        place = after


names = st.text("abcdefgh", min_size=1, max_size=4)
hashes = st.integers(0, 2**BITS - 1)


@given(
    stays=st.dictionaries(names, hashes, max_size=40),
    limit=st.integers(1, 7),
    count=st.integers(1, 12),
    bits=st.lists(st.integers(0, 6), min_size=1, max_size=30),
    passing=st.lists(st.dictionaries(names, hashes, max_size=20), min_size=1, max_size=30),
)
def test_what_stays_is_never_skipped_whatever_the_table_does(stays, limit, count, bits, passing):
    found, place, turn = [], START, 0
    while place is not None and turn < 500:
        others = passing[turn % len(passing)]
        table = Table({**others, **stays}, bits[turn % len(bits)])
        page, place = give(table, place, limit, count)
        place = place and Place.parse(str(place))
        assert len(page) == len(set(page)) <= limit
        found += page
        turn += 1
    if place is None:  # a table may also shrink for ever; then the scan goes on for ever
        assert set(stays) <= set(found)


@given(
    there=st.dictionaries(names, hashes, max_size=60),
    limit=st.integers(1, 9),
    count=st.integers(1, 12),
    bits=st.integers(0, 6),
)
def test_pages_of_what_does_not_change_are_the_whole_and_each_once(there, limit, count, bits):
    table, found, place = Table(there, bits), [], START
    while place is not None:
        page, place = give(table, place, limit, count)
        found += page
    assert sorted(found) == sorted(there)


@given(st.builds(Place, hashes, hashes, st.text()))
def test_a_place_is_read_as_it_was_written(place):
    assert Place.parse(str(place)) == place


@pytest.mark.parametrize("cursor", ["", "0", "0:0", "a:b:c", "-1:0:", f"{2**64}:0:", "٣:0:"])
def test_a_foreign_cursor_is_refused(cursor):
    with pytest.raises(ForeignCursor):
        Place.parse(cursor)
