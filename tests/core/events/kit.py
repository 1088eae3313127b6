"""What the tests of lanes and sinks share: a loop that never waits, and a scripted sink."""

import asyncio
import selectors
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import structlog

from gatewright.config.settings import LaneSettings
from gatewright.events.dispatcher import Dispatcher
from gatewright.events.sink_runner import OpenSink
from gatewright.metrics import Metrics
from gatewright.model import DeadLetter, Done, Event, EventType, Outcome
from gatewright.plugin.settings import SinkSettings


class _PatientSelector(selectors.DefaultSelector):
    """Never waits: where the loop would, its time moves on instead; a turn takes a microsecond."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.turns += 1
        ready = super().select(0 if timeout is None or timeout > 0 else timeout)
        if not ready and timeout is None:
            message = "the test waits for something that never comes"
            raise RuntimeError(message)
        self.now += 1e-6 if ready or timeout is None else max(timeout, 1e-6)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in which an hour passes at once. Not for threads or sockets."""

    def __init__(self) -> None:
        self._patient = _PatientSelector()
        super().__init__(self._patient)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._patient.now

    @property
    def turns(self) -> int:
        """How often the loop went round."""
        return self._patient.turns


class LoopClock:
    """The running loop's time, as both clocks."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def time(self) -> float:
        return 1_700_000_000 + asyncio.get_running_loop().time()


def now() -> float:
    return asyncio.get_running_loop().time()


def event(
    connection: str = "c1",
    seq: int = 1,
    *,
    kind: EventType = "message_received",
    body: bytes = b'{"type":"message_received"}',
    reason: str | None = None,
) -> Event:
    return Event(kind, f"{connection}-{seq}", seq, connection, "42", body, 1_700_000_000.0, reason)


Answer = Callable[[Event], Outcome | Awaitable[Outcome]]


class ScriptedSink:
    """Answers as told, and remembers when it was asked what."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.answer: Answer = answer or (lambda _: Done())
        self.asked: list[tuple[float, str]] = []
        self.batches: list[list[str]] = []
        self.taken: list[str] = []
        self.bodies: list[bytes] = []
        self.under_way = 0
        self.most_under_way = 0

    async def send(self, batch: Sequence[Event]) -> Sequence[Outcome]:
        self.asked += [(now(), each.id) for each in batch]
        self.batches.append([each.id for each in batch])
        self.bodies += [each.body for each in batch]
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            return [await self._one(each) for each in batch]
        finally:
            self.under_way -= 1

    async def _one(self, each: Event) -> Outcome:
        outcome = self.answer(each)
        if isinstance(outcome, Awaitable):
            outcome = await outcome
        if isinstance(outcome, Done):
            self.taken.append(each.id)
        return outcome

    def times(self, event_id: str) -> list[float]:
        return [at for at, each in self.asked if each == event_id]


class Letters:
    """Takes dead letters."""

    def __init__(self) -> None:
        self.all: list[DeadLetter] = []

    def put(self, letter: DeadLetter) -> None:
        self.all.append(letter)

    def ids(self, target: str | None = None) -> list[str]:
        return [each.id for each in self.all if target in {None, each.target}]

    def reasons(self) -> dict[str, str]:
        return {each.id: each.reason for each in self.all}


class Bench:
    """A dispatcher over scripted sinks, with everything around it at hand."""

    def __init__(
        self,
        sinks: dict[str, tuple[Any, SinkSettings]],
        *,
        lanes: LaneSettings | None = None,
        **options: Any,
    ) -> None:
        self.metrics = Metrics()
        self.letters = Letters()
        self.log = structlog.get_logger()
        self.dispatcher = Dispatcher(
            [OpenSink(name, sink, settings) for name, (sink, settings) in sinks.items()],
            lanes=lanes or LaneSettings(),
            dead_letters=self.letters,
            metrics=self.metrics,
            log=self.log,
            clock=LoopClock(),
            **options,
        )

    def emit(self, *events: Event) -> None:
        for each in events:
            self.dispatcher.emit(each)

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"gatewright_{name}", labels) or 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Bench"]:
        async with anyio.create_task_group() as group:
            group.start_soon(self.dispatcher.run)
            yield self
            group.cancel_scope.cancel()


def bench(
    sink: Any,
    *,
    lanes: LaneSettings | None = None,
    options: dict[str, Any] | None = None,
    **settings: Any,
) -> Bench:
    """A dispatcher with one sink named ``webhook``."""
    return Bench({"webhook": (sink, SinkSettings(**settings))}, lanes=lanes, **(options or {}))


async def passes(seconds: float) -> None:
    """Let time pass, and everything that is due happen."""
    await anyio.sleep(seconds)
    for _ in range(5):
        await anyio.lowlevel.checkpoint()


def in_order(ids: Sequence[str]) -> bool:
    """Whether each connection's ids come by growing number."""
    by_connection: dict[str, list[int]] = defaultdict(list)
    for each in ids:
        connection, _, seq = each.rpartition("-")
        by_connection[connection].append(int(seq))
    return all(seqs == sorted(seqs) for seqs in by_connection.values())


def once_each(*groups: Sequence[str]) -> bool:
    """Whether no id is named twice."""
    return max(Counter(each for group in groups for each in group).values(), default=0) <= 1
