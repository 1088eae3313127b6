"""The parts of the bus by themselves: repeats, nodes, canary, outbox."""

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright import BusUnavailable
from gatewright.testing.clock import FakeClock
from gatewright_bus_kit import Beat
from gatewright_bus_kit import outbox as outbox_module
from gatewright_bus_kit.canary import Canary
from gatewright_bus_kit.gaps import SHOW_SECONDS, Gaps
from gatewright_bus_kit.nodes import Nodes
from gatewright_bus_kit.outbox import Outbox
from gatewright_bus_kit.repeats import REMEMBER_SECONDS, WINDOW, Repeats

pytestmark = pytest.mark.anyio


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_within_the_window_each_number_is_new_exactly_once(seed, spread):
    source = random.Random(seed)
    coming = [number for number in range(1, 200) for _ in range(source.randint(1, 3))]
    coming.sort(key=lambda number: number + source.random() * spread)
    repeats = Repeats(FakeClock())

    assert sorted(n for n in coming if repeats.is_new(b"s", n)) == list(range(1, 200))


def test_what_the_window_has_passed_is_a_repeat():
    repeats = Repeats(FakeClock())
    assert repeats.is_new(b"s", 2)
    assert repeats.is_new(b"s", WINDOW + 1)
    assert repeats.is_new(b"s", 3)
    assert not repeats.is_new(b"s", 1)
    assert repeats.is_new(b"s", 10 * WINDOW)
    assert not repeats.is_new(b"s", WINDOW + 1)


def test_senders_are_told_apart_and_forgotten_in_time():
    clock = FakeClock()
    repeats = Repeats(clock)
    assert repeats.is_new(b"a", 1)
    clock.advance(REMEMBER_SECONDS - 1)
    assert repeats.is_new(b"b", 1)
    clock.advance(2)
    repeats.forget()
    assert len(repeats) == 1
    assert not repeats.is_new(b"b", 1)


def test_a_node_is_live_while_it_beats():
    clock = FakeClock()
    nodes = Nodes(clock, node="n1", own=b"own", beat_seconds=1.0)
    assert nodes.heard(b"a", Beat("n2", 1))
    clock.advance(3)
    assert not nodes.heard(b"a", Beat("n2", 2))
    clock.advance(3)
    nodes.forget()
    assert nodes.live == {b"own", b"a"}
    clock.advance(1)
    nodes.forget()
    assert nodes.live == {b"own"}
    nodes.heard(b"a", Beat("n2", 3))
    nodes.heard(b"a", Beat("n2", 0, leaving=True))
    assert nodes.live == {b"own"}


def test_only_who_has_heard_of_us_is_a_double():
    clock = FakeClock()
    nodes = Nodes(clock, node="n1", own=b"own", beat_seconds=1.0)
    nodes.heard(b"a", Beat("n1", 1))
    assert (nodes.rival, nodes.duplicated) == (b"a", False)
    nodes.heard(b"a", Beat("n1", 2, rival=b"own"))
    assert nodes.duplicated
    clock.advance(4)
    assert (nodes.rival, nodes.duplicated) == (b"", False)


def test_the_canary_dies_after_three_missed_and_comes_back():
    clock = FakeClock()
    canary = Canary(clock, 1.0)
    assert not canary.alive
    canary.came(canary.next())
    for missed in range(3):
        clock.advance(1)
        canary.next()
        assert (canary.alive, canary.missed) == (True, missed)
    clock.advance(0.3)
    assert (canary.alive, canary.missed) == (False, 3)
    canary.came(4)
    assert canary.alive
    assert canary.round_trip == pytest.approx(0.3)


def test_a_canary_that_comes_round_too_late_is_as_bad_as_none():
    clock = FakeClock()
    canary = Canary(clock, 1.0)
    for number in range(1, 20):
        canary.next()
        canary.came(number - 5)
        clock.advance(1)
    assert not canary.alive
    canary.came(99)  # never sent
    assert not canary.alive


def test_a_gap_is_shown_for_a_while_and_its_facts_for_good():
    clock = FakeClock()
    gaps = Gaps(clock)
    assert (gaps.recent, gaps.facts) == ("", {})
    gaps.note("trimmed", 2)
    assert gaps.recent == "messages were lost: trimmed"
    clock.advance(SHOW_SECONDS + 1)
    assert (gaps.recent, gaps.facts) == ("", {"gaps": 2, "last_gap": "trimmed"})


class Stuck:
    """A link that takes nothing."""

    async def read(self, receive): ...

    async def send(self, messages):
        return ["stuck"] * len(messages)


async def test_an_outbox_has_a_bound(monkeypatch):
    monkeypatch.setattr(outbox_module, "MOST_MESSAGES", 2)
    outbox = Outbox(timeout=5, patient=lambda: True)
    waiting = [asyncio.create_task(outbox.put(b"x")) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(BusUnavailable, match="too many"):
        await outbox.put(b"x")
    outbox.post(b"dropped")
    assert len(outbox) == 2
    outbox.abandon("over")
    for each in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(each, BusUnavailable)


async def test_an_outbox_has_a_bound_in_bytes(monkeypatch):
    monkeypatch.setattr(outbox_module, "MOST_BYTES", 10)
    outbox = Outbox(timeout=5, patient=lambda: True)
    with pytest.raises(BusUnavailable, match="too many"):
        await outbox.put(b"x" * 11)


async def test_batches_are_bounded_in_bytes_and_one_message_always_fits(monkeypatch):
    monkeypatch.setattr(outbox_module, "BATCH_BYTES", 10)
    sizes = []

    class Counting:
        async def read(self, receive): ...

        async def send(self, messages):
            sizes.append([len(each) for each in messages])
            return [None] * len(messages)

    outbox = Outbox(timeout=5, patient=lambda: True)
    sending = asyncio.create_task(outbox.run(Counting()))
    await asyncio.gather(*(outbox.put(b"x" * size) for size in (4, 4, 4, 50, 1)))
    assert sizes == [[4, 4], [4], [50], [1]]
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_what_nobody_waits_for_is_tried_once():
    outbox = Outbox(timeout=5, patient=lambda: True)
    sending = asyncio.create_task(outbox.run(Stuck()))
    outbox.post(b"beat")
    async with asyncio.timeout(5):
        await outbox.emptied()
    assert (len(outbox), outbox.failure) == (0, "stuck")
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
