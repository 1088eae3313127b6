"""The breaker, alone and in a sink's runner."""

import asyncio

import anyio
import pytest
from structlog.testing import capture_logs
from tests.core.events.kit import ScriptedSink, VirtualLoop, bench, event, now, once_each, passes

from gatewright.config.settings import LaneSettings
from gatewright.events.breaker import Breaker
from gatewright.model import Done, Event, Outcome, Reject, Retry


def failing(breaker: Breaker, number: int, *, start: float = 0.0, every: float = 0.1) -> list[bool]:
    return [breaker.failed(f"e{n}", "refused", start + n * every) for n in range(number)]


def test_it_opens_at_the_twentieth_failure_in_a_row() -> None:
    breaker = Breaker()

    assert failing(breaker, 20) == [False] * 19 + [True]
    assert breaker.open
    assert breaker.error == "refused"


def test_failures_of_the_same_event_count_once() -> None:
    breaker = Breaker()

    assert not any(breaker.failed("e1", "refused", n * 0.1) for n in range(100))
    assert not breaker.open


def test_failures_longer_ago_than_ten_seconds_do_not_count() -> None:
    breaker = Breaker()

    assert not any(failing(breaker, 100, every=0.6))


def test_a_failure_counts_from_its_events_last_attempt() -> None:
    breaker = Breaker()
    failing(breaker, 10)
    breaker.failed("e0", "refused", 9.5)

    later = [breaker.failed(f"later{n}", "refused", 11.0 + n * 0.01) for n in range(10)]
    assert not any(later)


def test_an_answer_between_starts_the_count_again() -> None:
    breaker = Breaker()
    failing(breaker, 19)
    assert breaker.answered() is False

    assert not any(failing(breaker, 19, start=1.9))


def test_while_open_it_lets_one_through_a_second() -> None:
    breaker = Breaker()
    failing(breaker, 20, start=8.1)

    assert [breaker.probe(at) for at in (10.0, 10.9, 11.1, 11.2, 12.0, 12.2)] == [
        False,
        False,
        True,
        False,
        False,
        True,
    ]


def test_the_first_answer_closes_it() -> None:
    breaker = Breaker()
    failing(breaker, 20)

    assert breaker.answered() is True
    assert not breaker.open
    assert breaker.answered() is False


def test_it_opens_again_after_twenty_more() -> None:
    breaker = Breaker()
    failing(breaker, 20)
    breaker.answered()

    assert failing(breaker, 20, start=3.0) == [False] * 19 + [True]


class Backend:
    """Dead until told otherwise."""

    def __init__(self) -> None:
        self.up = False

    def __call__(self, _: Event) -> Outcome:
        return Done() if self.up else Retry("refused")


@pytest.mark.anyio
async def test_a_dead_backend_is_probed_once_a_second_and_found_again() -> None:
    backend = Backend()
    sink = ScriptedSink(backend)
    with capture_logs() as logs:
        async with bench(sink).running() as it:
            it.emit(*(event(f"c{n}") for n in range(50)))
            await passes(0.4)
            assert it.metric("breaker_open", sink="webhook") == 1
            assert it.dispatcher.health()["webhook"].ready is False
            before = len(sink.asked)
            await passes(10)
            assert 9 <= len(sink.asked) - before <= 11

            backend.up = True
            await passes(5)
            assert it.metric("breaker_open", sink="webhook") == 0
            assert it.dispatcher.health()["webhook"].ready is True

    assert len(sink.taken) == 50
    assert it.letters.all == []
    lines = [each for each in logs if each["event"].startswith("breaker")]
    assert [(each["event"], each["sink"]) for each in lines] == [
        ("breaker open", "webhook"),
        ("breaker closed", "webhook"),
    ]
    assert lines[0]["error"] == "refused"


@pytest.mark.anyio
async def test_waiting_behind_an_open_breaker_uses_no_attempt() -> None:
    backend = Backend()
    sink = ScriptedSink(backend)
    async with bench(sink, attempts=2, base_seconds=0.5).running() as it:
        it.emit(*(event(f"c{n}") for n in range(30)))
        await passes(20)
        backend.up = True
        await passes(5)

    assert it.letters.all == []
    assert len(sink.taken) == 30


@pytest.mark.anyio
async def test_events_age_out_behind_an_open_breaker() -> None:
    sink = ScriptedSink(Backend())
    async with bench(sink, lanes=LaneSettings(max_age=5)).running() as it:
        it.emit(*(event(f"c{n}") for n in range(30)))
        await passes(7)

    assert set(it.letters.reasons().values()) == {"age"}
    assert len(it.letters.all) == 30
    assert once_each(it.letters.ids())


@pytest.mark.anyio
async def test_a_refused_event_shows_that_the_backend_is_there() -> None:
    sink = ScriptedSink(lambda _: Retry("refused"))
    async with bench(sink).running() as it:
        it.emit(*(event(f"c{n}") for n in range(30)))
        await passes(0.4)
        sink.answer = lambda _: Reject("status 400")
        await passes(3)
        assert it.metric("breaker_open", sink="webhook") == 0

    assert len(it.letters.all) == 30


@pytest.mark.anyio
async def test_probes_go_on_while_all_workers_hang() -> None:
    async def hangs(_: Event) -> Outcome:
        await anyio.sleep_forever()
        return Done()

    sink = ScriptedSink(hangs)
    async with bench(sink, concurrency=30, timeout_seconds=5).running() as it:
        it.emit(*(event(f"c{n}") for n in range(60)))
        await passes(5.1)
        assert it.metric("breaker_open", sink="webhook") == 1
        start, before = now(), len(sink.asked)
        await passes(10)

    assert 9 <= len(sink.asked) - before <= now() - start + 1


@pytest.mark.anyio
async def test_a_probe_is_one_event_however_large_batches_are() -> None:
    sink = ScriptedSink(Backend())
    async with bench(sink, batch=4, concurrency=1, base_seconds=0.01).running() as it:
        it.emit(*(event(f"c{n}") for n in range(100)))
        await passes(0.9)
        assert it.metric("breaker_open", sink="webhook") == 1
        before = len(sink.batches)
        await passes(3)

    probes = sink.batches[before:]
    assert len(probes) == 3
    assert all(len(each) == 1 for each in probes)


@pytest.mark.anyio
async def test_a_probe_that_no_worker_is_free_for_waits_without_spinning() -> None:
    async def refuses_then_hangs(_: Event) -> Outcome:
        if len(sink.asked) > 20:
            await anyio.sleep_forever()
        return Retry("refused")

    sink = ScriptedSink(refuses_then_hangs)
    async with bench(sink, concurrency=2, timeout_seconds=5).running() as it:
        it.emit(*(event(f"c{n}") for n in range(60)))
        await passes(2.5)
        assert sink.under_way == 2
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        before = loop.turns
        await passes(3)
        assert loop.turns - before < 50
        await passes(5)
        assert len(sink.asked) > 22


@pytest.mark.anyio
async def test_the_first_event_after_a_quiet_outage_is_the_probe() -> None:
    backend = Backend()
    sink = ScriptedSink(backend)
    async with bench(sink, attempts=1).running() as it:
        it.emit(*(event(f"c{n}") for n in range(20)))
        await passes(60)
        assert it.metric("breaker_open", sink="webhook") == 1
        backend.up = True
        it.emit(event("late"))
        await passes(0)

    assert sink.taken == ["late-1"]
