"""Who gets which event, the drain, and what happens without it."""

import anyio
import pytest
from structlog.testing import capture_logs
from tests.core.events.kit import (
    Bench,
    ScriptedSink,
    bench,
    event,
    in_order,
    now,
    once_each,
    passes,
)

from gatewright.config.settings import LaneSettings
from gatewright.events.letters import event_of
from gatewright.model import DeadLetter, Done, Event, Outcome, Retry
from gatewright.plugin.settings import SinkSettings

pytestmark = pytest.mark.anyio


async def hangs(_: Event) -> Outcome:
    await anyio.sleep_forever()
    return Done()


async def test_a_sink_gets_the_types_it_asks_for_only() -> None:
    all_, messages = ScriptedSink(), ScriptedSink()
    it = Bench(
        {
            "all": (all_, SinkSettings()),
            "messages": (messages, SinkSettings(types=("message_received",))),
        }
    )
    async with it.running():
        it.emit(
            event("c1", 1, kind="connected"), event("c1", 2), event("c1", 3, kind="disconnected")
        )
        await passes(0)

    assert all_.taken == ["c1-1", "c1-2", "c1-3"]
    assert messages.taken == ["c1-2"]
    assert it.metric("events_total", type="connected") == 1


async def test_without_sinks_events_are_counted_and_gone() -> None:
    it = Bench({})
    async with it.running():
        it.emit(event())
        await it.dispatcher.flush(1)

    assert it.metric("events_total", type="message_received") == 1
    assert it.letters.all == []


async def test_a_flush_waits_until_everything_is_delivered() -> None:
    async def slow(_: Event) -> Outcome:
        await anyio.sleep(0.5)
        return Done()

    sink = ScriptedSink(slow)
    async with bench(sink).running() as it:
        it.emit(*(event("c1", seq) for seq in range(1, 5)))
        started = now()
        await it.dispatcher.flush(5)
        assert now() - started == pytest.approx(2.0, abs=0.1)

    assert len(sink.taken) == 4
    assert it.letters.all == []


async def test_a_flush_of_nothing_is_over_at_once() -> None:
    async with bench(ScriptedSink()).running() as it:
        started = now()
        await it.dispatcher.flush(5)
        assert now() - started < 0.01


async def test_what_a_flush_could_not_deliver_is_spilled_in_order() -> None:
    def answer(each: Event) -> Outcome:
        return Done() if each.connection_id == "c2" else Retry("refused")

    sink = ScriptedSink(answer)
    async with bench(sink).running() as it:
        for seq in (1, 2, 3):
            it.emit(event("c1", seq), event("c2", seq))
        started = now()
        await it.dispatcher.flush(5)
        assert now() - started == pytest.approx(5.0, abs=0.1)

    assert it.letters.ids() == ["c1-1", "c1-2", "c1-3"]
    assert set(it.letters.reasons().values()) == {"shutdown"}
    assert it.letters.all[0].attempts >= 3
    assert it.letters.all[0].error == "refused"


async def test_an_attempt_under_way_at_the_end_of_a_flush_is_a_dead_letter_too() -> None:
    sink = ScriptedSink(hangs)
    async with bench(sink, timeout_seconds=60).running() as it:
        it.emit(event("c1", 1), event("c1", 2))
        await it.dispatcher.flush(1)

    assert it.letters.ids() == ["c1-1", "c1-2"]
    assert [(each.attempts, each.error) for each in it.letters.all] == [
        (1, "attempt cut off, its outcome is unknown"),
        (0, ""),
    ]
    assert it.metric("sink_attempts_total", sink="webhook", result="retry") == 0


async def test_a_sink_that_does_not_let_go_does_not_hold_up_the_end() -> None:
    released = anyio.Event()

    async def stubborn(_: Event) -> Outcome:
        with anyio.CancelScope(shield=True):
            await released.wait()
        return Done()

    sink = ScriptedSink(stubborn)
    async with bench(sink, timeout_seconds=60).running() as it:
        it.emit(event("c1", 1))
        await passes(0.1)
        started = now()
        await it.dispatcher.flush(1)
        assert now() - started < 3
        assert it.letters.ids() == ["c1-1"]
        released.set()
        await passes(0.1)

    assert it.letters.ids() == ["c1-1"]


async def test_events_after_a_flush_are_dead_letters_at_once() -> None:
    sink = ScriptedSink()
    it = bench(sink, types=("connected",))
    async with it.running():
        await it.dispatcher.flush(1)
        it.emit(event("c1", 1, kind="connected"), event("c1", 2))

    assert it.letters.reasons() == {"c1-1": "shutdown"}
    assert sink.asked == []


async def test_run_ends_after_a_flush() -> None:
    it = bench(ScriptedSink())
    async with anyio.create_task_group() as group:
        group.start_soon(it.dispatcher.run)
        await passes(0.1)
        await it.dispatcher.flush(1)


async def test_a_flush_before_the_start_spills_what_waits() -> None:
    it = bench(ScriptedSink())
    it.emit(event("c1", 1))
    await it.dispatcher.flush(0)

    assert it.letters.reasons() == {"c1-1": "shutdown"}


async def test_being_cancelled_without_a_flush_loses_nothing() -> None:
    sink = ScriptedSink(hangs)
    async with bench(sink).running() as it:
        it.emit(event("c1", 1), event("c1", 2), event("c2", 1))
        await passes(0.1)

    assert sorted(it.letters.ids()) == ["c1-1", "c1-2", "c2-1"]
    assert in_order(it.letters.ids())


async def test_every_way_out_of_a_flush_accounts_for_every_event() -> None:
    sink = ScriptedSink(lambda each: Done() if each.seq % 2 else Retry())
    async with bench(sink, lanes=LaneSettings(events=4)).running() as it:
        for n in range(300):
            it.emit(*(event(f"c{n}", seq) for seq in range(1, 7)))
        await it.dispatcher.flush(0.2)

    assert once_each(sink.taken, it.letters.ids())
    assert len(sink.taken) + len(it.letters.all) == 1800
    assert in_order(it.letters.ids())


async def test_spills_are_logged_once_a_minute_for_each_reason() -> None:
    with capture_logs() as logs:
        it = bench(ScriptedSink(), lanes=LaneSettings(events=1))
        it.emit(*(event("c1", seq) for seq in range(1, 101)))

    assert [(each["event"], each["reason"], each["sink"]) for each in logs] == [
        ("events become dead letters", "lane_full", "webhook")
    ]


async def test_a_dead_letter_can_be_an_event_again() -> None:
    it = bench(ScriptedSink(), lanes=LaneSettings(events=1))
    first = event("c1", 1, kind="disconnected", reason="node_lost")
    it.emit(first, event("c1", 2))

    assert event_of(it.letters.all[0]) == first


@pytest.mark.parametrize(("kind", "type_"), [("publication", ""), ("event", "unheard_of")])
async def test_what_was_no_event_cannot_be_one(kind, type_) -> None:
    letter = DeadLetter(id="p1", kind=kind, target="http", reason="x", payload=b"", type=type_)

    with pytest.raises(ValueError, match="dead letter 'p1' is not an event"):
        event_of(letter)


async def test_settling_waits_until_every_sink_has_the_event_or_gave_it_up() -> None:
    answers = iter([Retry("away"), Done()])
    taking, refusing = ScriptedSink(lambda _: next(answers)), ScriptedSink(lambda _: Retry("no"))
    it = Bench(
        {
            "taking": (taking, SinkSettings()),
            "refusing": (refusing, SinkSettings(attempts=2)),
        }
    )
    async with it.running():
        await it.dispatcher.settle([event("gone", 0)])

        assert taking.taken == ["gone-0"]
        assert [letter.target for letter in it.letters.all] == ["refusing"]


async def test_settling_without_sinks_is_over_at_once() -> None:
    it = Bench({})
    async with it.running():
        await it.dispatcher.settle([event()])
