"""Attempts, retries, batches and deadlines of one sink."""

import asyncio
from itertools import pairwise

import anyio
import anyio.lowlevel
import pytest
from structlog.testing import capture_logs
from tests.core.events.kit import ScriptedSink, bench, event, in_order, now, passes

from gatewright.model import Done, Event, Outcome, Reject, Retry

pytestmark = pytest.mark.anyio


def fails(times: int, then: Outcome | None = None, **retry: object):
    """Answers ``Retry`` so often per event, then something else."""
    seen: dict[str, int] = {}

    def answer(each: Event) -> Outcome:
        seen[each.id] = seen.get(each.id, 0) + 1
        return Retry("status 503", **retry) if seen[each.id] <= times else then or Done()

    return answer


async def test_an_event_reaches_the_sink() -> None:
    sink = ScriptedSink()
    async with bench(sink).running() as it:
        it.emit(event())
        await passes(0)

    assert sink.taken == ["c1-1"]
    assert it.letters.all == []


async def test_events_emitted_before_the_start_are_delivered_after_it() -> None:
    sink = ScriptedSink()
    it = bench(sink)
    it.emit(event("c1", 1), event("c1", 2), event("c2", 1))
    async with it.running():
        await passes(0)

    assert sorted(sink.taken) == ["c1-1", "c1-2", "c2-1"]
    assert in_order(sink.taken)


async def test_one_connection_has_one_attempt_under_way_in_order() -> None:
    async def slow(_: Event) -> Outcome:
        await anyio.sleep(1)
        return Done()

    sink = ScriptedSink(slow)
    async with bench(sink).running() as it:
        it.emit(*(event("c1", seq) for seq in (1, 2, 3)))
        await passes(3)

    assert sink.most_under_way == 1
    assert sink.taken == ["c1-1", "c1-2", "c1-3"]


async def test_a_slow_connected_holds_back_its_own_connection_only() -> None:
    async def slow(each: Event) -> Outcome:
        if each.type == "connected":
            await anyio.sleep(3 if each.connection_id == "c1" else 0)
        return Done()

    sink = ScriptedSink(slow)
    async with bench(sink).running() as it:
        for connection in ("c1", "c2"):
            it.emit(event(connection, 1, kind="connected"), event(connection, 2))
        await passes(1)
        assert sink.taken == ["c2-1", "c2-2"]
        await passes(3)

    assert sink.taken == ["c2-1", "c2-2", "c1-1", "c1-2"]


async def test_retries_wait_double_and_at_most_a_fifth_longer() -> None:
    sink = ScriptedSink(fails(3))
    async with bench(sink, base_seconds=0.5).running() as it:
        it.emit(event())
        await passes(10)

    times = sink.times("c1-1")
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert len(waits) == 3
    for wait, least in zip(waits, (0.5, 1.0, 2.0), strict=True):
        assert least <= wait <= least * 1.2


async def test_a_wait_starts_when_the_attempt_ends() -> None:
    async def slow(each: Event) -> Outcome:
        await anyio.sleep(2)
        return Retry() if len(sink.times(each.id)) == 1 else Done()

    sink = ScriptedSink(slow)
    async with bench(sink, base_seconds=0.5).running() as it:
        it.emit(event())
        await passes(8)

    first, second = sink.times("c1-1")
    assert second - first >= 2.5


async def test_retry_after_is_honoured_where_it_is_longer() -> None:
    sink = ScriptedSink(fails(1, after=7.0))
    async with bench(sink, base_seconds=0.5).running() as it:
        it.emit(event())
        await passes(10)

    first, second = sink.times("c1-1")
    assert second - first == pytest.approx(7.0, abs=0.01)


async def test_a_retry_after_shorter_than_the_wait_does_not_shorten_it() -> None:
    sink = ScriptedSink(fails(1, after=0.1))
    async with bench(sink, base_seconds=0.5).running() as it:
        it.emit(event())
        await passes(10)

    first, second = sink.times("c1-1")
    assert second - first >= 0.5


async def test_a_retry_after_beyond_the_age_bound_ages_out_instead() -> None:
    sink = ScriptedSink(fails(1, after=3600.0))
    async with bench(sink).running() as it:
        it.emit(event("c1", 1), event("c1", 2))
        await passes(29)
        assert it.letters.all == []
        await passes(2)

    assert it.letters.reasons() == {"c1-1": "age", "c1-2": "age"}


async def test_order_is_kept_through_retries() -> None:
    sink = ScriptedSink(fails(2))
    async with bench(sink, base_seconds=0.1).running() as it:
        it.emit(*(event("c1", seq) for seq in range(1, 6)))
        await passes(10)

    assert sink.taken == [f"c1-{seq}" for seq in range(1, 6)]


async def test_attempts_exhausted_make_a_dead_letter_and_the_next_event_goes_on() -> None:
    def answer(each: Event) -> Outcome:
        return Retry("status 500") if each.seq == 1 else Done()

    sink = ScriptedSink(answer)
    async with bench(sink, attempts=3, base_seconds=0.1).running() as it:
        it.emit(event("c1", 1), event("c1", 2))
        await passes(5)

    (letter,) = it.letters.all
    assert (letter.id, letter.reason, letter.attempts, letter.error, letter.target) == (
        "c1-1",
        "attempts",
        3,
        "status 500",
        "webhook",
    )
    assert len(sink.times("c1-1")) == 3
    assert sink.taken == ["c1-2"]


async def test_a_rejected_event_is_a_dead_letter_after_one_attempt() -> None:
    sink = ScriptedSink(lambda _: Reject("status 400"))
    async with bench(sink, attempts=3).running() as it:
        it.emit(event())
        await passes(5)

    (letter,) = it.letters.all
    assert (letter.reason, letter.error, letter.attempts) == ("rejected", "status 400", 1)
    assert len(sink.asked) == 1


async def test_a_dead_letter_holds_the_event_as_it_was() -> None:
    sink = ScriptedSink(lambda _: Reject("status 400"))
    async with bench(sink, extended=True).running() as it:
        it.emit(event("c1", 7, body=b'{"a":1}', reason="node_lost"))
        await passes(0)

    (letter,) = it.letters.all
    assert letter.payload == b'{"a":1}'
    assert (letter.kind, letter.type, letter.connection_id, letter.user_id, letter.seq) == (
        "event",
        "message_received",
        "c1",
        "42",
        7,
    )
    assert (letter.event_reason, letter.first_at) == ("node_lost", 1_700_000_000.0)


async def test_what_a_sink_notes_is_a_metric_and_no_dead_letter() -> None:
    sink = ScriptedSink(lambda _: Done("receiver_off"))
    async with bench(sink).running() as it:
        it.emit(event())
        await passes(0)

    assert it.metric("sink_attempts_total", sink="webhook", result="receiver_off") == 1
    assert it.letters.all == []


async def test_an_attempt_is_cut_off_at_its_deadline_and_retried() -> None:
    async def hangs(each: Event) -> Outcome:
        if len(sink.times(each.id)) == 1:
            await anyio.sleep_forever()
        return Done()

    sink = ScriptedSink(hangs)
    async with bench(sink, timeout_seconds=5, base_seconds=0.5).running() as it:
        it.emit(event())
        await passes(4.9)
        assert sink.under_way == 1
        await passes(1)

    first, second = sink.times("c1-1")
    assert 5.5 <= second - first <= 5.61
    assert sink.taken == ["c1-1"]


async def test_a_worker_survives_many_deadlines() -> None:
    async def hangs(_: Event) -> Outcome:
        await anyio.sleep_forever()
        return Done()

    sink = ScriptedSink(hangs)
    async with bench(sink, timeout_seconds=1, attempts=1, concurrency=1).running() as it:
        it.emit(*(event(f"c{n}") for n in range(1, 6)))
        await passes(6)

    assert it.letters.reasons() == dict.fromkeys((f"c{n}-1" for n in range(1, 6)), "attempts")
    assert {each.error for each in it.letters.all} == {"no answer within 1 s"}


async def test_a_sink_that_answers_although_cut_off_is_believed() -> None:
    async def stubborn(_: Event) -> Outcome:
        with anyio.CancelScope(shield=True):
            await anyio.lowlevel.checkpoint()
        try:
            await anyio.sleep_forever()
        except asyncio.CancelledError:
            return Done()
        raise AssertionError

    sink = ScriptedSink(stubborn)
    async with bench(sink, timeout_seconds=1).running() as it:
        it.emit(event("c1", 1), event("c1", 2))
        await passes(3)

    assert sink.taken == ["c1-1", "c1-2"]
    assert it.letters.all == []


async def test_a_sink_that_raises_is_retried_and_its_text_is_not_repeated() -> None:
    def raises(each: Event) -> Outcome:
        if len(sink.times(each.id)) == 1:
            message = "password=hunter2"
            raise ValueError(message)
        return Done()

    sink = ScriptedSink(raises)
    with capture_logs() as logs:
        async with bench(sink, base_seconds=0.1).running() as it:
            it.emit(event())
            await passes(1)

    assert sink.taken == ["c1-1"]
    (line,) = (each for each in logs if each["log_level"] == "error")
    assert line["event"] == "the sink raised"
    assert line["error"].startswith("ValueError in test_sink_runner.py:")
    assert "hunter2" not in str(logs)


async def test_a_cancellation_out_of_the_sink_is_a_retry() -> None:
    def cancelled(each: Event) -> Outcome:
        if len(sink.times(each.id)) == 1:
            raise asyncio.CancelledError
        return Done()

    sink = ScriptedSink(cancelled)
    async with bench(sink, base_seconds=0.1).running() as it:
        it.emit(event())
        await passes(1)

    assert sink.taken == ["c1-1"]


@pytest.mark.parametrize("answer", [[], [Done(), Done()], ["done"], None])
async def test_an_answer_that_does_not_fit_is_a_retry_and_names_the_sink(answer: object) -> None:
    class Broken(ScriptedSink):
        async def send(self, batch):
            outcomes = await super().send(batch)
            return answer if len(self.batches) == 1 else outcomes

    sink = Broken()
    with capture_logs() as logs:
        async with bench(sink, base_seconds=0.1).running() as it:
            it.emit(event())
            await passes(1)

    assert len(sink.asked) == 2
    assert it.letters.all == []
    assert [each["sink"] for each in logs if each["log_level"] == "error"] == ["webhook"]


async def test_a_batch_holds_one_event_of_each_connection_and_no_more_than_allowed() -> None:
    sink = ScriptedSink()
    it = bench(sink, batch=3, concurrency=1)
    for seq in (1, 2):
        it.emit(*(event(f"c{n}", seq) for n in range(4)))
    async with it.running():
        await passes(1)

    assert sink.batches[0] == ["c0-1", "c1-1", "c2-1"]
    assert all(len(each) <= 3 for each in sink.batches)
    assert all(len({one.split("-")[0] for one in each}) == len(each) for each in sink.batches)
    assert sorted(sink.taken) == sorted(f"c{n}-{seq}" for n in range(4) for seq in (1, 2))
    assert in_order(sink.taken)


async def test_each_event_of_a_batch_has_its_own_outcome() -> None:
    outcomes = {"c0": Done(), "c1": Reject("status 400"), "c2": Retry("status 503")}
    sink = ScriptedSink(lambda each: outcomes[each.connection_id])
    it = bench(sink, batch=3, concurrency=1, attempts=2, base_seconds=0.1)
    it.emit(*(event(f"c{n}") for n in range(3)))
    async with it.running():
        await passes(1)

    assert sink.taken == ["c0-1"]
    assert it.letters.reasons() == {"c1-1": "rejected", "c2-1": "attempts"}
    assert it.metric("sink_attempts_total", sink="webhook", result="retry") == 2


async def test_no_more_attempts_are_under_way_than_allowed() -> None:
    async def slow(_: Event) -> Outcome:
        await anyio.sleep(1)
        return Done()

    sink = ScriptedSink(slow)
    async with bench(sink, concurrency=3).running() as it:
        it.emit(*(event(f"c{n}") for n in range(10)))
        await passes(1.5)
        assert len(sink.taken) == 3
        await passes(3)

    assert sink.most_under_way == 3
    assert len(sink.taken) == 10


async def test_events_need_no_task_each() -> None:
    sink = ScriptedSink()
    async with bench(sink, concurrency=2).running() as it:
        it.emit(event("c0"))
        await passes(0)
        before = len(asyncio.all_tasks())
        for n in range(100):
            it.emit(event(f"c{n}", 2))
        during = len(asyncio.all_tasks())
        await passes(0)

    assert len(sink.taken) == 101
    assert during - before <= 1


async def test_a_sink_that_never_waits_leaves_the_loop_its_turns() -> None:
    sink = ScriptedSink()
    it = bench(sink, concurrency=1)
    it.emit(*(event(f"c{n}") for n in range(1000)))
    async with it.running():
        for _ in range(3):
            await anyio.lowlevel.checkpoint()
        assert 0 < len(sink.taken) < 1000
        await passes(1)

    assert len(sink.taken) == 1000


async def test_an_extended_body_is_made_once_for_all_attempts() -> None:
    sink = ScriptedSink(fails(2))
    async with bench(sink, extended=True, base_seconds=0.1).running() as it:
        it.emit(event("c1", 3, body=b'{"type":"connected"}', reason="node_lost"))
        await passes(2)

    assert sink.bodies[0] == b'{"type":"connected","id":"c1-3","seq":3,"reason":"node_lost"}'
    assert sink.bodies[0] is sink.bodies[1] is sink.bodies[2]


async def test_a_lane_that_emptied_leaves_nothing_behind() -> None:
    sink = ScriptedSink()
    async with bench(sink).running() as it:
        it.emit(event("c1"), event("c2"))
        await passes(0)
        (runner,) = it.dispatcher._runners
        assert (runner.backlog.lanes, runner.backlog.depth, runner.backlog.bytes) == (0, 0, 0)


async def test_depth_bytes_and_age_are_read_when_the_metrics_are() -> None:
    it = bench(ScriptedSink())
    it.emit(event("c1", 1), event("c1", 2))
    await passes(3)

    assert it.metric("lane_events", sink="webhook") == 2
    assert it.metric("lane_bytes", sink="webhook") > 0
    assert it.metric("lane_age_seconds", sink="webhook") == pytest.approx(3, abs=0.01)


async def test_time_is_virtual_here() -> None:
    started = now()
    await passes(3600)
    assert now() - started >= 3600
