"""Whatever happens: every event ends once, and each connection's in order."""

import asyncio
import random

import anyio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.core.events.kit import (
    Bench,
    ScriptedSink,
    VirtualLoop,
    event,
    in_order,
    once_each,
    passes,
)

from gatewright.config.settings import LaneSettings
from gatewright.events.backlog import Backlog
from gatewright.events.budget import Budget
from gatewright.events.lane import FLYING, OVERHEAD, entry_of
from gatewright.model import Done, Event, Outcome, Reject, Retry
from gatewright.plugin.settings import SinkSettings

BOUNDS = st.builds(
    LaneSettings,
    events=st.integers(1, 6),
    bytes=st.integers(500, 6000),
    total_bytes=st.integers(1000, 20_000),
    max_age=st.sampled_from([0.5, 3.0, 30.0]),
)


class BacklogMachine(RuleBasedStateMachine):
    """Any order of calls that a runner may make, on two sinks' lanes that share a budget."""

    @initialize(bounds=BOUNDS)
    def make(self, bounds: LaneSettings) -> None:
        self.now = 100.0
        self.bounds = bounds
        self.budget = Budget(bounds.total_bytes)
        self.spilled: list[list[tuple[str, bool]]] = [[], []]
        self.delivered: list[list[str]] = [[], []]
        self.backlogs = [Backlog(bounds, self.budget, self._spiller(number)) for number in range(2)]
        self.flying: list[list] = [[], []]
        self.emitted: list[list[str]] = [[], []]
        self.seqs: dict[str, int] = {}

    def _spiller(self, number: int):
        def spill(each: Event, reason: str, attempts: int, error: str) -> None:
            under_way = any(
                lane.state == FLYING and lane.connection_id == each.connection_id
                for lane in self.flying[number]
            )
            self.spilled[number].append((each.id, under_way))

        return spill

    @rule(connection=st.sampled_from("abcde"), size=st.integers(0, 3000), sinks=st.integers(1, 3))
    def emit(self, connection: str, size: int, sinks: int) -> None:
        seq = self.seqs[connection] = self.seqs.get(connection, 0) + 1
        entry = entry_of(event(connection, seq, body=b"x" * size), self.now)
        for number in range(2):
            if sinks & (1 << number):
                self.emitted[number].append(entry[0].id)
                self.backlogs[number].offer(entry)

    @rule(number=st.integers(0, 1), most=st.integers(1, 3))
    def take(self, number: int, most: int) -> None:
        taken = self.backlogs[number].take(most)
        assert len({lane.connection_id for lane in taken}) == len(taken)
        self.flying[number] += taken

    @precondition(lambda self: any(self.flying))
    @rule(data=st.data(), ending=st.sampled_from(["done", "reject", "retry"]))
    def end(self, data: st.DataObject, ending: str) -> None:
        number = data.draw(st.sampled_from([n for n in range(2) if self.flying[n]]))
        lane = self.flying[number].pop(data.draw(st.integers(0, len(self.flying[number]) - 1)))
        backlog = self.backlogs[number]
        if ending == "done":
            self.delivered[number].append(lane.entries[0][0].id)
            backlog.finish(lane, self.now)
        elif ending == "reject":
            backlog.give_up(lane, "rejected", self.now)
        else:
            backlog.retry(lane, self.now + data.draw(st.sampled_from([0.1, 1.0, 60.0])), self.now)

    @rule(seconds=st.sampled_from([0.01, 0.3, 1.0, 5.0, 31.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for backlog in self.backlogs:
            if backlog.due() <= self.now:
                backlog.tick(self.now)

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        if not hasattr(self, "backlogs"):
            return
        for number, backlog in enumerate(self.backlogs):
            spilled = [each for each, _ in self.spilled[number]]
            waiting = [e[0].id for lane in backlog._lanes.values() for e in lane.entries]
            assert sorted(waiting + spilled + self.delivered[number]) == sorted(
                self.emitted[number]
            )
            assert in_order(self.delivered[number])
            assert in_order([each for each, behind in self.spilled[number] if not behind])

    @invariant()
    def the_books_are_right(self) -> None:
        if not hasattr(self, "backlogs"):
            return
        for backlog in self.backlogs:
            lanes = backlog._lanes.values()
            assert backlog.depth == sum(len(lane.entries) for lane in lanes)
            assert backlog.bytes == sum(e[2] for lane in lanes for e in lane.entries)
            assert all(lane.entries for lane in lanes)
            for lane in lanes:
                slack = 2 if lane.state == FLYING else 1
                resting = len(lane.entries) - (lane.state == FLYING)
                assert len(lane.entries) <= self.bounds.events * slack or resting == 1
                assert lane.bytes <= self.bounds.bytes * slack or resting <= 1
        assert self.budget.used == sum(each.bytes for each in self.backlogs)

    @invariant()
    def what_is_due_gets_done(self) -> None:
        if not hasattr(self, "backlogs"):
            return
        for backlog in self.backlogs:
            heads = [lane.entries[0][1] for lane in backlog._lanes.values() if lane.state != FLYING]
            assert backlog.due() <= min(heads, default=float("inf")) + self.bounds.max_age

    def teardown(self) -> None:
        if not hasattr(self, "backlogs"):
            return
        for number, backlog in enumerate(self.backlogs):
            for _ in backlog.spill_all("shutdown"):
                pass
            assert (backlog.depth, backlog.bytes, backlog.lanes) == (0, 0, 0)
            spilled = [each for each, _ in self.spilled[number]]
            assert once_each(spilled, self.delivered[number])
            assert len(spilled) + len(self.delivered[number]) == len(self.emitted[number])
        assert self.budget.used == 0


TestBacklog = BacklogMachine.TestCase
TestBacklog.settings = settings(
    max_examples=80,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def unreliable(dice: random.Random):
    """A backend that does anything, in any time, but hang beyond the deadline."""

    async def answer(_: Event) -> Outcome:
        if dice.random() < 0.5:
            await anyio.sleep(dice.choice([0.001, 0.1, 1.0, 4.9]))
        draw = dice.random()
        if draw < 0.5:
            return Done()
        if draw < 0.6:
            return Reject("status 400")
        if draw < 0.65:
            message = "broken"
            raise ValueError(message)
        return Retry("status 500", dice.choice([None, None, 0.1, 3.0, 500.0]))

    return answer


async def storm(seed: int, bounds: LaneSettings, sink_settings: SinkSettings) -> None:
    dice = random.Random(seed)
    sinks = {"one": ScriptedSink(unreliable(dice)), "two": ScriptedSink(unreliable(dice))}
    it = Bench({name: (sink, sink_settings) for name, sink in sinks.items()}, lanes=bounds)
    seqs: dict[str, int] = {}
    emitted = 0
    async with it.running():
        for _ in range(dice.randrange(1, 40)):
            for _ in range(dice.randrange(8)):
                connection = f"c{dice.randrange(30)}"
                seqs[connection] = seqs.get(connection, 0) + 1
                it.emit(event(connection, seqs[connection], body=b"x" * dice.randrange(800)))
                emitted += 1
            await passes(dice.choice([0.0, 0.01, 0.5, 5.0]))
        await it.dispatcher.flush(dice.choice([0.0, 1.0, 60.0]))
    for name, sink in sinks.items():
        spilled = it.letters.ids(name)
        raised_or_cut = set(spilled) & set(sink.taken)
        assert len(set(spilled)) == len(spilled)
        assert once_each(sink.taken) or sink_settings.batch > 1
        assert len(set(spilled) | set(sink.taken)) == emitted
        assert in_order(list(dict.fromkeys(sink.taken)))
        assert not raised_or_cut or sink_settings.batch > 1


@given(
    seed=st.integers(0, 10**9),
    bounds=BOUNDS,
    sink_settings=st.builds(
        SinkSettings,
        attempts=st.sampled_from([None, 1, 3]),
        base_seconds=st.sampled_from([0.05, 0.5]),
        concurrency=st.integers(1, 8),
        batch=st.sampled_from([1, 1, 4]),
        timeout_seconds=st.just(5.0),
    ),
)
@settings(max_examples=40, deadline=None)
def test_delivered_and_dead_lettered_are_what_was_emitted(seed, bounds, sink_settings) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(storm(seed, bounds, sink_settings))


def test_an_event_is_counted_with_more_than_its_body() -> None:
    assert entry_of(event(body=b"x" * 10), 0.0)[2] == OVERHEAD + 10
