"""Moves one sink's backlog: attempts, their deadline, retries and the breaker."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Final

import anyio
from anyio.abc import TaskGroup

from gatewright.clock import Clock
from gatewright.events.backlog import Backlog
from gatewright.events.breaker import Breaker
from gatewright.events.lane import Entry, Lane
from gatewright.events.sink_meter import SinkMeter
from gatewright.events.verdicts import Faults, Verdicts
from gatewright.model import Event, Health, Retry
from gatewright.plugin.protocols import EventSink
from gatewright.plugin.settings import SinkSettings
from gatewright.wire.event import extended_body

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = ["Flight", "OpenSink", "SinkRunner"]

_ROUNDS: Final = 64
"""Attempts of one worker before the loop gets a turn, for sinks that never wait themselves."""


@dataclass(frozen=True, slots=True)
class OpenSink:
    """An event sink that is open.

    Attributes:
        name: The word in the YAML with its label: ``redis_stream/eu``.
        sink: What the plugin opened.
        settings: Its settings; the core reads the fields of `SinkSettings` only.
    """

    name: str
    sink: EventSink
    settings: SinkSettings


class Flight:
    """A worker's attempt: one call of the sink, and when it is cancelled.

    Attributes:
        task: The worker.
        deadline: When the call is cancelled (monotonic seconds).
        late: Whether it was.
    """

    __slots__ = ("deadline", "late", "task")

    def __init__(self, task: asyncio.Task[object]) -> None:
        self.task = task
        self.deadline = inf
        self.late = False


class SinkRunner:
    """Runs one sink.

    `offer` and every callback run on the loop and never wait. Workers are made one by one as they
    are needed, up to ``concurrency``, and stay; one timer serves deadlines, retries, ages, pauses
    and probes.
    """

    def __init__(
        self,
        opened: OpenSink,
        backlog: Backlog,
        *,
        meter: SinkMeter,
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        settings = opened.settings
        self.name = opened.name
        self.backlog = backlog
        self.stopped = anyio.Event()
        self._send = opened.sink.send
        self._timeout = settings.timeout_seconds
        self._late = f"no answer within {settings.timeout_seconds:g} s"
        self._concurrency = settings.concurrency
        self._batch = settings.batch
        self._extended = settings.extended
        self._breaker = Breaker()
        self._verdicts = Verdicts(
            opened.name, settings, backlog=backlog, breaker=self._breaker, meter=meter, log=log
        )
        self._faults = Faults(opened.name, clock, log)
        self._meter = meter
        self._monotonic = clock.monotonic
        self._group: TaskGroup | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._armed = inf
        self._workers = 0
        self._waking = 0
        self._idle: list[asyncio.Future[None]] = []
        self._flights: dict[Flight, None] = {}
        self._emptied: anyio.Event | None = None
        meter.waiting(
            lambda: backlog.depth,
            lambda: backlog.bytes,
            lambda: backlog.oldest_age(self._monotonic()),
        )

    def offer(self, entry: Entry) -> None:
        """Take an event in. Never blocks; works before `run` too."""
        self.backlog.offer(entry)
        if self._group is not None:
            if self.backlog.ready > self._waking * self._batch:
                self._wake(entry[1])
            if self._timer is None:
                self._arm(entry[1])

    async def run(self) -> None:
        """Deliver until cancelled or stopped; what is left then stays in the backlog."""
        try:
            async with anyio.create_task_group() as group:
                self._group, self._loop = group, asyncio.get_running_loop()
                self._wake_for_all(self._monotonic())
                self._arm(self._monotonic())
                await anyio.sleep_forever()
        finally:
            self._group = None
            if self._timer is not None:
                self._timer.cancel()
            self.stopped.set()

    def stop(self) -> None:
        """Cancel attempts under way and end `run`; their outcome stays unknown."""
        if self._group is None:
            self.stopped.set()
        else:
            self._group.cancel_scope.cancel()

    async def emptied(self) -> None:
        """Wait until nothing waits here. One waiter at a time."""
        while self.backlog.depth:
            self._emptied = anyio.Event()
            await self._emptied.wait()

    def health(self) -> Health:
        """Return how the sink is: not ready while its breaker is open."""
        breaker, backlog = self._breaker, self.backlog
        detail = f"breaker open: {breaker.error or 'no answer'}" if breaker.open else ""
        return Health(not breaker.open, detail, {"events": backlog.depth, "bytes": backlog.bytes})

    # Workers.

    def _wake(self, now: float) -> None:
        """Set one more worker going, where there is one and attempts are allowed."""
        if self._breaker.open and (self._waking or now < self._breaker.next_probe):
            return
        while self._idle:
            resting = self._idle.pop()
            if not resting.done():
                resting.set_result(None)
                self._waking += 1
                return
        if self._workers < self._concurrency and self._group is not None:
            self._waking += 1
            self._workers += 1
            self._group.start_soon(self._work, name=f"sink {self.name} {self._workers}")

    def _wake_for_all(self, now: float) -> None:
        """Set as many workers going as there are batches ready."""
        before = -1
        while self.backlog.ready > self._waking * self._batch and self._waking != before:
            before = self._waking
            self._wake(now)

    async def _work(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that runs has a task
        flight = Flight(task)
        self._waking -= 1
        rounds = 0
        while True:
            now = self._monotonic()
            probe = self._breaker.open
            lanes = self._take(now)
            if lanes:
                await self._attempt(flight, lanes, now, probe=probe)
                rounds += 1
                if rounds % _ROUNDS == 0:
                    await asyncio.sleep(0)
            else:
                await self._rest()

    async def _rest(self) -> None:
        assert self._loop is not None  # noqa: S101 - workers only live within `run`
        self._tell_when_empty()
        future = self._loop.create_future()
        self._idle.append(future)
        await future
        self._waking -= 1

    def _tell_when_empty(self) -> None:
        if self._emptied is not None and not self.backlog.depth:
            self._emptied.set()

    def _take(self, now: float) -> list[Lane]:
        if not self._breaker.open:
            return self.backlog.take(self._batch)
        if self.backlog.ready and self._breaker.probe(now):
            self._arm(now)
            return self.backlog.take(1)
        return []

    # Attempts.

    async def _attempt(
        self, flight: Flight, lanes: list[Lane], started: float, *, probe: bool
    ) -> None:
        events = [lane.outgoing or self._outgoing(lane) for lane in lanes]
        flight.deadline = started + self._timeout
        flight.late = False
        self._flights[flight] = None
        if flight.deadline < self._armed:
            self._arm_at(flight.deadline, started)
        try:
            outcomes = self._faults.checked(await self._send(events), len(lanes))
        except asyncio.CancelledError:
            if flight.task.cancelling() > flight.late:
                raise
            outcomes = [Retry(self._late if flight.late else "the sink gave up")] * len(lanes)
        except Exception as error:  # noqa: BLE001 - whatever a sink raises, its events stay
            outcomes = [Retry(self._faults.raised(error))] * len(lanes)
        finally:
            del self._flights[flight]
            if flight.late:
                flight.task.uncancel()
        ended = self._monotonic()
        self._meter.seconds(ended - started)
        self._verdicts.settle(lanes, outcomes, ended, probe=probe)
        if self.backlog.ready > (self._waking + 1) * self._batch:
            self._wake_for_all(ended)
        self._arm(ended)

    def _outgoing(self, lane: Lane) -> Event:
        event = lane.entries[0][0]
        if self._extended:
            event = Event(
                event.type,
                event.id,
                event.seq,
                event.connection_id,
                event.user_id,
                extended_body(event),
                event.occurred_at,
                event.reason,
            )
        lane.outgoing = event
        return event

    # The timer.

    def _arm(self, now: float) -> None:
        due = self.backlog.due()
        if self._breaker.open and self.backlog.ready and self._breaker.next_probe > now:
            due = min(due, self._breaker.next_probe)
        if due < self._armed:
            self._arm_at(due, now)

    def _arm_at(self, due: float, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._loop is not None:
            self._armed = due
            self._timer = self._loop.call_later(max(0.0, due - now), self._tick)

    def _tick(self) -> None:
        now = self._monotonic()
        self._timer, self._armed = None, inf
        for flight in self._flights:
            if flight.deadline > now:
                self._arm_at(flight.deadline, now)
                break
            if not flight.late:
                flight.late = True
                flight.task.cancel()
        self.backlog.tick(now)
        self._wake_for_all(now)
        self._arm(now)
        self._tell_when_empty()
