import json

import pytest

from gatewright import Event
from gatewright.builtin.dev_console_feed import KEPT_EVENTS, WAITING_EVENTS, EventFeed, counters
from gatewright.metrics import Metrics

pytestmark = pytest.mark.anyio


def event(number, body=b"{}"):
    return Event("connected", f"e{number}", number, "c1", "42", body, 1.0)


def ids(taken):
    return [json.loads(block.split(b"data: ")[1])["id"] for block in taken.blocks]


async def test_a_watcher_gets_what_is_kept_and_then_what_comes():
    feed = EventFeed("boot")
    feed.add(event(1))
    with feed.watch("") as watcher:
        feed.add(event(2))
        assert ids(await watcher.take(1)) == ["e1", "e2"]
        feed.add(event(3))
        assert ids(await watcher.take(1)) == ["e3"]


async def test_nothing_to_take_is_an_empty_answer_after_the_wait():
    with EventFeed("boot").watch("") as watcher:
        taken = await watcher.take(0.01)

    assert (taken.blocks, taken.lost) == ((), 0)


async def test_only_the_last_events_are_kept():
    feed = EventFeed("boot")
    for number in range(KEPT_EVENTS + 10):
        feed.add(event(number))
    with feed.watch("") as watcher:
        taken = ids(await watcher.take(1))

    assert len(taken) == KEPT_EVENTS
    assert taken[0] == "e10"


async def test_a_slow_watcher_loses_the_oldest_and_is_told_how_many():
    feed = EventFeed("boot")
    with feed.watch("") as watcher:
        for number in range(WAITING_EVENTS + 7):
            feed.add(event(number))
        taken = await watcher.take(1)
        after = await watcher.take(0)

    assert taken.lost == 7
    assert ids(taken)[0] == "e7"
    assert (after.lost, after.blocks) == (0, ())


async def test_an_id_of_another_run_or_none_counts_as_nothing_seen():
    feed = EventFeed("boot")
    feed.add(event(1))
    for last in ("other.1", "boot.", "boot.x", "boot.-1", "", "."):
        with feed.watch(last) as watcher:
            assert ids(await watcher.take(1)) == ["e1"], last
    with feed.watch("boot.1") as watcher:
        assert ids(await watcher.take(0)) == []


async def test_a_large_body_is_cut_and_says_so():
    feed = EventFeed("boot")
    feed.add(event(1, b'"' + b"x" * 20_000 + b'"'))
    with feed.watch("") as watcher:
        shown = json.loads((await watcher.take(1)).blocks[0].split(b"data: ")[1])

    assert (len(shown["body"]), shown["cut"]) == (16_384, 3_618)


async def test_a_closed_feed_ends_watchers_there_are_and_those_to_come():
    feed = EventFeed("boot")
    with feed.watch("") as early:
        feed.close()
        await early.take(60)
        assert early.closed
    with feed.watch("") as late:
        assert late.closed


def test_counters_are_summed_over_labels_without_their_birthdays():
    metrics = Metrics()
    metrics.publications.labels("http", "ok").inc(2)
    metrics.publications.labels("http", "refused").inc()

    assert counters(metrics.registry) == {
        "connections": 0, "handshakes": 0, "messages": 0, "publications": 3, "deliveries": 0,
        "events": 0, "closes": 0,
    }  # fmt: skip
