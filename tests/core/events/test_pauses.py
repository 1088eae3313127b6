"""``when_full: pause``: reading stops for a while instead of spilling."""

import anyio
import pytest
from structlog.testing import capture_logs
from tests.core.events.kit import Bench, ScriptedSink, bench, event, passes

from gatewright.config.settings import LaneSettings
from gatewright.model import Done, Event, Outcome, Retry
from gatewright.plugin.settings import SinkSettings

pytestmark = pytest.mark.anyio

PAUSING = LaneSettings(events=4, when_full="pause", max_age=1000)


class Calls(list[tuple[str, bool]]):
    def __call__(self, connection_id: str, paused: bool) -> None:
        self.append((connection_id, paused))


def told(calls: Calls, **more: object) -> dict[str, object]:
    return {"pause": calls, "pause_seconds": 10.0, **more}


async def test_a_full_lane_pauses_its_connection_instead_of_spilling() -> None:
    calls = Calls()
    it = bench(ScriptedSink(), lanes=PAUSING, options=told(calls))
    it.emit(*(event("c1", seq) for seq in range(1, 5)), event("c2"))
    assert calls == []

    it.emit(event("c1", 5), event("c1", 6))

    assert calls == [("c1", True)]
    assert it.letters.all == []


async def test_reading_resumes_when_the_lane_is_half_empty() -> None:
    async def slow(_: Event) -> Outcome:
        await anyio.sleep(1)
        return Done()

    calls = Calls()
    sink = ScriptedSink(slow)
    async with bench(sink, lanes=PAUSING, options=told(calls)).running() as it:
        it.emit(*(event("c1", seq) for seq in range(1, 6)))
        await passes(2.5)
        assert calls == [("c1", True)]
        await passes(1)
        assert calls == [("c1", True), ("c1", False)]
        await passes(5)

    assert len(sink.taken) == 5
    assert calls == [("c1", True), ("c1", False)]


async def test_when_the_time_is_over_it_spills_and_resumes() -> None:
    calls = Calls()
    sink = ScriptedSink(lambda _: Retry(after=60))
    async with bench(sink, lanes=PAUSING, options=told(calls)).running() as it:
        it.emit(*(event("c1", seq) for seq in range(1, 7)))
        await passes(9.9)
        assert it.letters.all == []
        await passes(0.2)
        assert calls == [("c1", True), ("c1", False)]

    assert it.letters.ids()[:2] == ["c1-1", "c1-2"]
    assert it.letters.reasons()["c1-1"] == "lane_full"


async def test_a_lane_that_did_not_ease_is_not_paused_again() -> None:
    calls = Calls()
    sink = ScriptedSink(lambda _: Retry(after=60))
    async with bench(sink, lanes=PAUSING, options=told(calls)).running() as it:
        it.emit(*(event("c1", seq) for seq in range(1, 7)))
        await passes(11)
        it.emit(event("c1", 7), event("c1", 8))
        assert calls == [("c1", True), ("c1", False)]
        assert it.letters.ids() == ["c1-1", "c1-2", "c1-3", "c1-4"]


async def test_a_paused_lane_spills_beyond_twice_its_bound() -> None:
    calls = Calls()
    it = bench(ScriptedSink(), lanes=PAUSING, options=told(calls))
    it.emit(*(event("c1", seq) for seq in range(1, 11)))

    assert it.letters.ids() == ["c1-1", "c1-2"]
    assert calls == [("c1", True)]


async def test_a_connection_full_at_two_sinks_is_paused_once_and_until_both_have_room() -> None:
    calls = Calls()
    slow, dead = ScriptedSink(), ScriptedSink(lambda _: Retry(after=60))
    settings = SinkSettings()
    it = Bench({"slow": (slow, settings), "dead": (dead, settings)}, lanes=PAUSING, **told(calls))
    it.emit(*(event("c1", seq) for seq in range(1, 6)))
    assert calls == [("c1", True)]
    async with it.running():
        await passes(5)
        assert len(slow.taken) == 5
        assert calls == [("c1", True)]
        await passes(6)
        assert calls == [("c1", True), ("c1", False)]


async def test_a_lane_that_ages_out_resumes() -> None:
    calls = Calls()
    lanes = LaneSettings(events=4, when_full="pause", max_age=3)
    sink = ScriptedSink(lambda _: Retry(after=60))
    async with bench(sink, lanes=lanes, options=told(calls)).running() as it:
        it.emit(*(event("c1", seq) for seq in range(1, 6)))
        await passes(4)
        assert calls == [("c1", True), ("c1", False)]


async def test_spilling_is_what_happens_unless_pausing_was_chosen() -> None:
    calls = Calls()
    it = bench(ScriptedSink(), lanes=LaneSettings(events=2), options=told(calls))
    it.emit(*(event("c1", seq) for seq in range(1, 5)))

    assert calls == []
    assert it.letters.ids() == ["c1-1", "c1-2"]


async def test_a_pause_that_raises_never_reaches_the_session() -> None:
    def raises(connection_id: str, paused: bool) -> None:
        raise KeyError(connection_id)

    it = bench(ScriptedSink(), lanes=PAUSING, options={"pause": raises})
    with capture_logs() as logs:
        it.emit(*(event("c1", seq) for seq in range(1, 6)))

    assert [each["log_level"] for each in logs] == ["error"]
    assert it.letters.all == []
