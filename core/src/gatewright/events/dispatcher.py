"""Where events leave the sessions: to every sink that wants them, and to the observers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol, get_args

import anyio
import anyio.lowlevel

from gatewright.clock import Clock, SystemClock
from gatewright.config.settings import LaneSettings
from gatewright.events.backlog import Backlog
from gatewright.events.budget import Budget
from gatewright.events.lane import Entry, entry_of
from gatewright.events.letters import letter_of
from gatewright.events.observers import Observers
from gatewright.events.pauses import Pause, PauseBook, Pauses
from gatewright.events.sink_meter import SinkMeter
from gatewright.events.sink_runner import OpenSink, SinkRunner
from gatewright.events.throttle import Throttle
from gatewright.metrics import Metrics
from gatewright.model import DeadLetter, Event, EventType, Health

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = ["Dispatcher", "TakesDeadLetters"]

_TYPES: Final[tuple[EventType, ...]] = get_args(EventType)
_STOP_SECONDS: Final = 1.0
_LANES_AT_ONCE: Final = 200


class TakesDeadLetters(Protocol):
    """Takes a dead letter without waiting; `DeadLetterWriter` does."""

    def put(self, letter: DeadLetter) -> None:
        """Take a letter; never blocks, never raises."""
        ...


class _Spiller:
    """Turns what one sink does not get into dead letters, counted and logged."""

    def __init__(
        self,
        sink: str,
        *,
        meter: SinkMeter,
        dead_letters: TakesDeadLetters,
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self._sink = sink
        self._meter = meter
        self._put = dead_letters.put
        self._clock = clock
        self._log = log
        self._throttle = Throttle()

    def spill(self, event: Event, reason: str, attempts: int, error: str) -> None:
        """Write an event off for this sink."""
        self._put(
            letter_of(
                event,
                target=self._sink,
                reason=reason,
                attempts=attempts,
                error=error,
                now=self._clock.time(),
            )
        )
        self._meter.spilled(reason)
        if times := self._throttle.count(reason, self._clock.monotonic()):
            self._log.warning(
                "events become dead letters",
                sink=self._sink,
                reason=reason,
                events=times,
                error=error,
            )

    def refuse(self, entry: Entry) -> None:
        """Write an event off that comes after the lanes were closed."""
        self.spill(entry[0], "shutdown", 0, "")


class Dispatcher:
    """The lanes between sessions and sinks, one set for each sink.

    Every event emitted ends in exactly one of two ways for every sink that wants its type: the
    sink took it, or it is a dead letter. Only where an attempt was cut off with its outcome
    unknown (a deadline, the end of the process) may it be both.

    Args:
        sinks: The open sinks, each with its settings.
        lanes: How much may wait.
        dead_letters: Takes what no sink gets.
        metrics: The gateway's metrics.
        log: The logger.
        clock: The time.
        observers: Who else sees every event.
        pause: With ``when_full: pause``, called with a connection's id and whether reading it is
            to pause (``True``) or to go on. May name connections that are gone by now.
        pause_seconds: The longest pause; half the keepalive timeout.
    """

    def __init__(
        self,
        sinks: Sequence[OpenSink],
        *,
        lanes: LaneSettings,
        dead_letters: TakesDeadLetters,
        metrics: Metrics,
        log: FilteringBoundLogger,
        clock: Clock | None = None,
        observers: Observers | None = None,
        pause: Pause | None = None,
        pause_seconds: float = 10.0,
    ) -> None:
        clock = clock or SystemClock()
        self._monotonic = clock.monotonic
        self._observers = observers or Observers((), metrics=metrics, log=log)
        self._count = {kind: metrics.events.labels(kind).inc for kind in _TYPES}
        self._closed = anyio.Event()
        self._runners: list[SinkRunner] = []
        self._spillers: list[_Spiller] = []
        budget = Budget(lanes.total_bytes)
        pausing = pause if lanes.when_full == "pause" else None
        book = PauseBook(pausing, log) if pausing is not None else None
        for opened in sinks:
            meter = SinkMeter(metrics, opened.name)
            spiller = _Spiller(
                opened.name, meter=meter, dead_letters=dead_letters, clock=clock, log=log
            )
            pauses = Pauses(book, pause_seconds) if book is not None else None
            backlog = Backlog(lanes, budget, spiller.spill, pauses)
            self._spillers.append(spiller)
            self._runners.append(SinkRunner(opened, backlog, meter=meter, clock=clock, log=log))
        self._sinks = tuple(sinks)
        self._routes = self._routed([runner.offer for runner in self._runners])

    def emit(self, event: Event) -> None:
        """Hand an event to the lanes of every sink that wants its type, and to the observers.

        Never blocks, never raises, starts no task. Must be called on the loop; before `run` too,
        and after `flush`, when events become dead letters at once.
        """
        entry = entry_of(event, self._monotonic())
        for offer in self._routes[event.type]:
            offer(entry)
        self._count[event.type]()
        if self._observers.watching[event.type]:
            self._observers.watch(event)

    async def settle(self, events: Sequence[Event]) -> None:
        """Emit events and wait until each is with its sinks, or a dead letter.

        Needs `run` to be running. Being cancelled leaves the events on their way.
        """
        for event in events:
            self.emit(event)
        for runner in self._runners:
            await runner.backlog.until_gone({event.connection_id for event in events})

    async def run(self) -> None:
        """Deliver until `flush` is through or this is cancelled.

        Cancelled without `flush`, it spills everything that waits, as ``shutdown``.
        """
        try:
            async with anyio.create_task_group() as group:
                for runner in self._runners:
                    group.start_soon(runner.run, name=f"events {runner.name}")
                await self._closed.wait()
        finally:
            self._close()
            for _ in self._spill_all():
                pass

    async def flush(self, seconds: float) -> None:
        """Deliver what waits for at most ``seconds``, then spill the rest in order, and stop.

        Attempts under way at the end are cut off; their events are dead letters too. `run` ends.
        """
        with anyio.move_on_after(seconds):
            for runner in self._runners:
                await runner.emptied()
        self._close()
        for runner in self._runners:
            runner.stop()
        with anyio.move_on_after(_STOP_SECONDS):
            for runner in self._runners:
                await runner.stopped.wait()
        for number, _ in enumerate(self._spill_all(), start=1):
            if number % _LANES_AT_ONCE == 0:
                await anyio.lowlevel.checkpoint()

    def health(self) -> Mapping[str, Health]:
        """Return how every sink is, by its name: not ready while its breaker is open."""
        return {runner.name: runner.health() for runner in self._runners}

    def _close(self) -> None:
        self._routes = self._routed([spiller.refuse for spiller in self._spillers])
        self._closed.set()

    def _spill_all(self) -> Iterator[None]:
        for runner in self._runners:
            yield from runner.backlog.spill_all("shutdown")

    def _routed(
        self, offers: Sequence[Callable[[Entry], None]]
    ) -> Mapping[EventType, tuple[Callable[[Entry], None], ...]]:
        """Say who takes events of which type."""
        return {
            kind: tuple(
                offer
                for opened, offer in zip(self._sinks, offers, strict=True)
                if kind in opened.settings.types
            )
            for kind in _TYPES
        }
