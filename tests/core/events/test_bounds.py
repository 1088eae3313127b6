"""What spills, when, and in which order."""

from itertools import pairwise

import anyio
import anyio.lowlevel
import pytest
from tests.core.events.kit import Bench, ScriptedSink, bench, event, in_order, once_each, passes

from gatewright.config.settings import LaneSettings
from gatewright.events.lane import OVERHEAD
from gatewright.model import Done, Event, Outcome, Reject, Retry
from gatewright.plugin.settings import SinkSettings

pytestmark = pytest.mark.anyio


async def hangs(_: Event) -> Outcome:
    await anyio.sleep_forever()
    return Done()


def ids(connection: str, *seqs: int) -> list[str]:
    return [f"{connection}-{seq}" for seq in seqs]


async def test_a_full_lane_spills_from_its_head_until_it_fits() -> None:
    it = bench(ScriptedSink(), lanes=LaneSettings(events=3))
    it.emit(*(event("c1", seq) for seq in range(1, 6)), event("c2"))

    assert it.letters.ids() == ids("c1", 1, 2)
    assert set(it.letters.reasons().values()) == {"lane_full"}
    assert it.metric("spills_total", sink="webhook", reason="lane_full") == 2


async def test_a_lane_full_of_bytes_spills_as_many_as_it_takes() -> None:
    lanes = LaneSettings(bytes=3 * (OVERHEAD + 100))
    it = bench(ScriptedSink(), lanes=lanes)
    it.emit(*(event("c1", seq, body=b"x" * 100) for seq in (1, 2, 3)))
    assert it.letters.all == []

    it.emit(event("c1", 4, body=b"x" * (OVERHEAD + 200)))

    assert it.letters.ids() == ids("c1", 1, 2)


async def test_an_empty_lane_takes_one_event_of_any_size() -> None:
    sink = ScriptedSink()
    it = bench(sink, lanes=LaneSettings(bytes=1000, total_bytes=2000))
    it.emit(event("c1", 1, body=b"x" * 100_000))
    async with it.running():
        await passes(0)

    assert sink.taken == ids("c1", 1)
    assert it.letters.all == []


async def test_a_lane_with_a_giant_spills_it_for_the_next_event() -> None:
    it = bench(ScriptedSink(), lanes=LaneSettings(bytes=1000))
    it.emit(event("c1", 1, body=b"x" * 100_000), event("c1", 2, body=b"x"))

    assert it.letters.ids() == ids("c1", 1)


async def test_while_its_head_is_under_way_a_lane_may_grow_to_twice_its_bound() -> None:
    async def slow(_: Event) -> Outcome:
        await anyio.sleep(1)
        return Done()

    sink = ScriptedSink(slow)
    async with bench(sink, lanes=LaneSettings(events=3)).running() as it:
        it.emit(event("c1", 1))
        await passes(0.1)
        it.emit(*(event("c1", seq) for seq in range(2, 7)))
        assert it.letters.all == []
        await passes(1)
        assert sink.taken == ids("c1", 1)
        assert it.letters.ids() == ids("c1", 2, 3)
        await passes(5)

    assert sink.taken == ids("c1", 1, 4, 5, 6)


async def test_a_head_that_fails_in_an_overfull_lane_is_the_first_to_spill() -> None:
    async def slow(each: Event) -> Outcome:
        await anyio.sleep(1)
        return Retry("status 500") if each.seq == 1 else Done()

    sink = ScriptedSink(slow)
    async with bench(sink, lanes=LaneSettings(events=3)).running() as it:
        it.emit(event("c1", 1))
        await passes(0.1)
        it.emit(*(event("c1", seq) for seq in range(2, 6)))
        await passes(10)

    assert it.letters.ids() == ids("c1", 1, 2)
    assert [(each.attempts, each.error) for each in it.letters.all] == [(1, "status 500"), (0, "")]
    assert sink.taken == ids("c1", 3, 4, 5)


async def test_beyond_twice_the_bound_events_behind_the_head_spill_at_once() -> None:
    sink = ScriptedSink(hangs)
    async with bench(sink, lanes=LaneSettings(events=2)).running() as it:
        it.emit(event("c1", 1))
        await passes(0.1)
        it.emit(*(event("c1", seq) for seq in range(2, 8)))
        assert it.letters.ids() == ids("c1", 2, 3, 4)


async def test_a_spilled_head_makes_the_next_event_ready_at_once() -> None:
    sink = ScriptedSink(lambda each: Retry(after=20.0) if each.seq == 1 else Done())
    async with bench(sink, lanes=LaneSettings(events=2)).running() as it:
        it.emit(event("c1", 1))
        await passes(1)
        it.emit(event("c1", 2), event("c1", 3))
        await passes(0)

    assert it.letters.ids() == ids("c1", 1)
    assert sink.taken == ids("c1", 2, 3)


async def test_events_older_than_the_age_bound_spill_in_order() -> None:
    sink = ScriptedSink(lambda _: Retry("status 503"))
    async with bench(sink, lanes=LaneSettings(max_age=30)).running() as it:
        it.emit(event("c1", 1), event("c2", 1))
        await passes(10)
        it.emit(event("c1", 2))
        await passes(19.9)
        assert it.letters.all == []
        await passes(0.2)
        assert sorted(it.letters.ids()) == ["c1-1", "c2-1"]
        await passes(10)

    assert in_order(it.letters.ids())
    assert it.letters.reasons() == {"c1-1": "age", "c2-1": "age", "c1-2": "age"}
    assert it.metric("spills_total", sink="webhook", reason="age") == 3


async def test_a_lane_that_lives_long_spills_only_what_is_old() -> None:
    sink = ScriptedSink(lambda _: Retry())
    async with bench(sink, lanes=LaneSettings(max_age=4.5, events=1000)).running() as it:
        for seq in range(1, 61):
            it.emit(event("c1", seq))
            await passes(1)
            assert len(it.letters.all) == max(0, seq - 4)

    assert it.letters.ids()[:56] == ids("c1", *range(1, 57))


async def test_an_event_under_way_ages_out_when_its_attempt_ends() -> None:
    async def slow(_: Event) -> Outcome:
        await anyio.sleep(4)
        return Retry("status 503")

    sink = ScriptedSink(slow)
    async with bench(sink, lanes=LaneSettings(max_age=2)).running() as it:
        it.emit(event("c1", 1), event("c1", 2))
        await passes(3.5)
        assert it.letters.all == []
        await passes(1)

    assert it.letters.ids() == ids("c1", 1, 2)
    assert len(sink.asked) == 1


async def test_an_old_event_whose_attempt_succeeds_is_delivered_and_not_spilled() -> None:
    async def slow(_: Event) -> Outcome:
        await anyio.sleep(4)
        return Done()

    sink = ScriptedSink(slow)
    async with bench(sink, lanes=LaneSettings(max_age=2)).running() as it:
        it.emit(event("c1", 1), event("c1", 2))
        await passes(6)

    assert sink.taken == ids("c1", 1)
    assert it.letters.ids() == ids("c1", 2)


async def test_thousands_of_events_that_age_at_once_leave_the_loop_its_turns() -> None:
    sink = ScriptedSink(lambda _: Retry())
    async with bench(sink, concurrency=1, lanes=LaneSettings(max_age=1)).running() as it:
        it.emit(*(event(f"c{n}") for n in range(5000)))
        await anyio.sleep(0.9999)
        spilled: list[int] = []
        while len(it.letters.all) < 5000:
            await anyio.lowlevel.checkpoint()
            spilled.append(len(it.letters.all))

    steps = [later - earlier for earlier, later in pairwise(spilled)]
    assert max(steps) < 2500


async def test_the_budget_is_paid_by_the_lane_that_grew() -> None:
    lanes = LaneSettings(total_bytes=5 * (OVERHEAD + 100))
    it = bench(ScriptedSink(), lanes=lanes)
    it.emit(event("c2", body=b"x" * 100))
    it.emit(*(event("c1", seq, body=b"x" * 100) for seq in range(1, 7)))

    assert it.letters.ids() == ids("c1", 1, 2)
    assert set(it.letters.reasons().values()) == {"budget"}
    assert it.metric("spills_total", sink="webhook", reason="budget") == 2


async def test_where_that_lane_has_nothing_to_give_the_longest_waiting_pay() -> None:
    lanes = LaneSettings(total_bytes=3 * (OVERHEAD + 100))
    it = bench(ScriptedSink(), lanes=lanes)
    it.emit(*(event(f"c{n}", body=b"x" * 100) for n in range(1, 6)))

    assert it.letters.ids() == ["c1-1", "c2-1"]
    assert set(it.letters.reasons().values()) == {"budget"}


async def test_lanes_that_wait_for_a_retry_pay_too() -> None:
    lanes = LaneSettings(total_bytes=3 * (OVERHEAD + 100))
    sink = ScriptedSink(lambda _: Retry(after=20))
    async with bench(sink, lanes=lanes).running() as it:
        for n in range(1, 6):
            it.emit(event(f"c{n}", body=b"x" * 100))
            await passes(0.1)

    assert it.letters.ids()[:2] == ["c1-1", "c2-1"]
    assert it.letters.all[0].attempts == 1


async def test_events_under_way_never_pay_and_those_behind_them_pay_last() -> None:
    lanes = LaneSettings(total_bytes=4 * (OVERHEAD + 100))
    sink = ScriptedSink(hangs)
    async with bench(sink, lanes=lanes).running() as it:
        it.emit(event("c1", 1, body=b"x" * 100), event("c1", 2, body=b"x" * 100))
        it.emit(event("c2", 1, body=b"x" * 100), event("c3", 1, body=b"x" * 100))
        await passes(0.1)
        it.emit(event("c4", 1, body=b"x" * 100))
        assert it.letters.ids() == ["c4-1"]
        it.emit(event("c1", 3, body=b"x" * 100))
        assert it.letters.ids() == ["c4-1", "c1-2"]
        it.emit(event("c2", 2, body=b"x" * 100))
        assert it.letters.ids() == ["c4-1", "c1-2", "c1-3"]


async def test_a_dead_sink_costs_a_healthy_one_no_events() -> None:
    lanes = LaneSettings(total_bytes=20 * (OVERHEAD + 100), events=1000)
    dead, healthy = ScriptedSink(hangs), ScriptedSink()
    settings = SinkSettings(timeout_seconds=1000)
    it = Bench({"dead": (dead, settings), "healthy": (healthy, settings)}, lanes=lanes)
    async with it.running():
        for seq in range(1, 101):
            it.emit(*(event(f"c{n}", seq, body=b"x" * 100) for n in range(3)))
            await passes(0)
        assert it.dispatcher._runners[0].backlog.bytes <= lanes.total_bytes
        healthy_taken, spilled = list(healthy.taken), it.letters.ids("healthy")

    assert len(healthy_taken) == 300
    assert in_order(healthy_taken)
    assert spilled == []


async def test_a_sink_within_its_share_of_the_budget_spills_nothing_for_another() -> None:
    lanes = LaneSettings(total_bytes=10 * (OVERHEAD + 100))
    it = Bench(
        {
            "greedy": (ScriptedSink(), SinkSettings(types=("message_received",))),
            "modest": (ScriptedSink(), SinkSettings(types=("connected",))),
        },
        lanes=lanes,
    )
    it.emit(*(event("c1", seq, kind="connected", body=b"x" * 100) for seq in (1, 2, 3)))
    it.emit(*(event("c2", seq, body=b"x" * 100) for seq in range(1, 8)))
    it.emit(event("c1", 4, kind="connected", body=b"x" * 100))

    assert it.letters.ids("modest") == []
    assert it.letters.ids("greedy") == ids("c2", 1)


async def test_one_failing_sink_does_not_hold_back_another() -> None:
    failing, other = ScriptedSink(hangs), ScriptedSink()
    settings = SinkSettings()
    it = Bench({"failing": (failing, settings), "other": (other, settings)})
    async with it.running():
        it.emit(*(event("c1", seq) for seq in range(1, 11)))
        await passes(1)
        assert other.taken == ids("c1", *range(1, 11))
        await passes(40)

    assert it.letters.ids("failing") == ids("c1", *range(1, 11))
    assert it.letters.ids("other") == []


async def test_bounds_are_counted_over_all_sinks() -> None:
    lanes = LaneSettings(total_bytes=6 * (OVERHEAD + 100))
    settings = SinkSettings()
    it = Bench({"one": (ScriptedSink(), settings), "two": (ScriptedSink(), settings)}, lanes=lanes)
    it.emit(*(event("c1", seq, body=b"x" * 100) for seq in range(1, 6)))

    runners = it.dispatcher._runners
    assert sum(each.backlog.bytes for each in runners) <= lanes.total_bytes
    assert it.letters.ids("one") == it.letters.ids("two") == ids("c1", 1, 2)


async def test_delivered_and_dead_lettered_are_emitted_once_each() -> None:
    sink = ScriptedSink(lambda each: Reject("status 400") if each.seq % 3 == 0 else Done())
    it = bench(sink, lanes=LaneSettings(events=5))
    it.emit(*(event("c1", seq) for seq in range(1, 21)))
    async with it.running():
        await passes(1)

    assert once_each(sink.taken, it.letters.ids())
    assert len(sink.taken) + len(it.letters.all) == 20
    assert in_order(it.letters.ids())


async def test_the_memory_of_connections_that_went_is_given_back() -> None:
    sink = ScriptedSink(lambda _: Retry())
    async with bench(sink, lanes=LaneSettings(max_age=1)).running() as it:
        for round_ in range(50):
            it.emit(*(event(f"c{round_}-{n}") for n in range(20)))
            await passes(2)
        (runner,) = it.dispatcher._runners
        assert len(it.letters.all) == 1000
        assert runner.backlog.lanes == 0
        assert len(runner.backlog._ready) < 200
        assert len(runner.backlog._ages._elders) < 200
