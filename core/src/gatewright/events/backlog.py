"""What waits for one sink: its lanes, whose turn it is, and what happens at the bounds.

No I/O, no tasks, no clock: every method that needs the time is told it, so that plain calls test
all of it, and only `Backlog.until_gone` waits. `SinkRunner` moves it.

A lane is `READY` (its head waits for a free attempt, first come first served), `FLYING` (its
head's attempt is under way), `WAITING` (its head waits for its next attempt's time) or `GONE`.
An event under way is never spilled. At a lane's bound the lane may grow to twice its bound until
the attempt ends; if that failed, the head is spilled first, so that dead letters keep the order
of events. Beyond twice the bound, and for the process's budget, what waits behind the head is
spilled at once: only then can a head follow them into the dead letters; its ``seq`` tells.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from itertools import count, islice
from math import inf
from typing import TYPE_CHECKING, Final

import anyio

from gatewright.events.ageing import AgeWatch
from gatewright.events.lane import FLYING, GONE, READY, WAITING, Entry, Lane
from gatewright.model import Event

if TYPE_CHECKING:
    from gatewright.config.settings import LaneSettings
    from gatewright.events.budget import Budget
    from gatewright.events.pauses import Pauses

__all__ = ["Backlog", "Spill"]

Spill = Callable[[Event, str, int, str], None]
"""Takes an event that is given up: the event, the reason, its attempts and the last error."""

_SPILLS_AT_ONCE: Final = 1000
_STALE_AT_LEAST: Final = 64
_CUT_OFF: Final = "attempt cut off, its outcome is unknown"


_Place = tuple[float, int, Lane]
"""When a waiting lane is due, its ticket, and the lane."""


def _holds(place: _Place) -> bool:
    """Whether the lane still waits at this place."""
    _, ticket, lane = place
    return lane.state == WAITING and lane.ticket == ticket


class Backlog:
    """The lanes of one sink.

    Attributes:
        depth: Events that wait, those under way included.
        bytes: The sum of their sizes.
    """

    def __init__(
        self, bounds: LaneSettings, budget: Budget, spill: Spill, pauses: Pauses | None = None
    ) -> None:
        self.depth = 0
        self.bytes = 0
        self._most_events = bounds.events
        self._most_bytes = bounds.bytes
        self._max_age = bounds.max_age
        self._budget = budget
        self._spill = spill
        self._pauses = pauses
        self._lanes: dict[str, Lane] = {}
        self._ready: deque[Lane] = deque()
        self._stale = 0
        self._waiting: list[_Place] = []
        self._tickets = count(1)
        self._awaited: dict[str, anyio.Event] = {}
        self._ages = AgeWatch(self._lanes, bounds.max_age)
        budget.join(self)

    # What comes in and what is taken out.

    @property
    def ready(self) -> int:
        """How many lanes wait for an attempt."""
        return len(self._ready) - self._stale

    @property
    def lanes(self) -> int:
        """How many connections have events here."""
        return len(self._lanes)

    def oldest_age(self, now: float) -> float:
        """Return the seconds the oldest event has waited; looks at every lane."""
        heads = (lane.entries[0][1] for lane in self._lanes.values())
        return max(0.0, now - min(heads, default=now))

    async def until_gone(self, connection_ids: Iterable[str]) -> None:
        """Wait until nothing of these connections waits here, each at a moment of its own."""
        for connection_id in connection_ids:
            if connection_id in self._lanes:
                await self._awaited.setdefault(connection_id, anyio.Event()).wait()

    def offer(self, entry: Entry) -> None:
        """Put an event at the end of its connection's lane, and spill where a bound is hit."""
        event, now, size = entry
        lane = self._lanes.get(event.connection_id)
        if lane is None:
            lane = Lane(event.connection_id, now)
            self._lanes[event.connection_id] = lane
            self._ready.append(lane)
            if self._ages.due == inf:
                self._ages.started(now)
        lane.entries.append(entry)
        lane.bytes += size
        self.depth += 1
        self.bytes += size
        self._budget.used += size
        if len(lane.entries) > self._most_events or lane.bytes > self._most_bytes:
            self._at_bound(lane, now)
        if self._budget.used > self._budget.limit:
            self._budget.relieve(self, lane)

    def take(self, most: int) -> list[Lane]:
        """Return up to ``most`` lanes whose heads are now under way, the longest-waiting first."""
        taken: list[Lane] = []
        ready = self._ready
        while ready and len(taken) < most:
            lane = ready.popleft()
            if lane.state == GONE:
                self._stale -= 1
            else:
                lane.state = FLYING
                lane.tries += 1
                taken.append(lane)
        return taken

    # How an attempt ends. A lane that was emptied meanwhile is left alone.

    def finish(self, lane: Lane, now: float) -> None:
        """Take the head off: the sink has it."""
        if lane.state == FLYING:
            self._forget(lane.pop())
            if lane.entries:
                self._go_on(lane, now)
            else:
                self._remove(lane)

    def give_up(self, lane: Lane, reason: str, now: float) -> None:
        """Spill the head: it will not be tried again."""
        if lane.state == FLYING:
            self._spill_head(lane, reason)
            self._go_on(lane, now)

    def retry(self, lane: Lane, due: float, now: float) -> None:
        """Let the head wait until ``due``, unless it is too old or the lane too full for that."""
        if lane.state == FLYING:
            self._go_on(lane, now, due)

    def _go_on(self, lane: Lane, now: float, due: float = 0.0) -> None:
        lane.state = READY
        if lane.entries:
            head = lane.entries[0]
            self._spill_old(lane, now)
            self._trim(lane)
            if due and lane.entries and lane.entries[0] is head:
                lane.state = WAITING
                lane.ticket = next(self._tickets)
                heappush(self._waiting, (due, lane.ticket, lane))
        if lane.entries:
            if lane.state == READY:
                self._ready.append(lane)
            if lane.pause:
                self._ease(lane)
        else:
            self._remove(lane)

    # Time passes.

    def due(self) -> float:
        """Return when `tick` has something to do (monotonic seconds); infinity: nothing."""
        waiting = self._waiting[0][0] if self._waiting else inf
        paused = self._pauses.due if self._pauses is not None else inf
        return min(self._ages.due, waiting, paused)

    def tick(self, now: float) -> None:
        """Do what is due: lanes become ready again, old events are spilled, pauses end."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= now:
            place = heappop(waiting)
            if _holds(place):
                self._make_ready(place[2])
        self._expire(now)
        while self._pauses is not None and (paused := self._pauses.over(now)) is not None:
            self._trim(paused)
            self._resettle(paused)

    def _expire(self, now: float) -> None:
        if now < self._ages.due:
            return
        self._ages.collect(now)
        enough = self.depth - _SPILLS_AT_ONCE
        while self.depth > enough and (lane := self._ages.pop(now)) is not None:
            if lane.state != FLYING:
                self._spill_old(lane, now)
                self._resettle(lane)
            self._ages.put(lane, now)

    # Spilling.

    def spill_older(self, lane: Lane, budget: Budget) -> None:
        """Spill from the lane's head, for the process's sake, but keep its newest event."""
        while budget.used > budget.limit and self._spill_next(lane, "budget"):
            pass
        self._resettle(lane)

    def spill_longest(self) -> bool:
        """Spill the head of the longest-waiting lane, for the process's sake."""
        lane = self._longest()
        if lane is None:
            return False
        self._spill_head(lane, "budget")
        self._resettle(lane)
        return True

    def spill_behind(self) -> bool:
        """Spill an event that waits behind one under way, for the process's sake."""
        for lane in self._lanes.values():
            if lane.state == FLYING and len(lane.entries) > 1:
                self._spill_second(lane, "budget")
                return True
        return False

    def spill_all(self, reason: str) -> Iterator[None]:
        """Spill everything, each lane in order, those under way too; yields between lanes."""
        for lane in list(self._lanes.values()):
            if lane.state == GONE:
                continue
            if lane.state == FLYING:
                lane.error = _CUT_OFF
            while lane.entries:
                self._spill_head(lane, reason)
            if lane.state == READY:
                self._stale += 1
            self._remove(lane)
            yield

    def _longest(self) -> Lane | None:
        """Return the lane with the oldest head of those whose turn is next."""
        while self._ready and self._ready[0].state == GONE:
            self._ready.popleft()
            self._stale -= 1
        while self._waiting and not _holds(self._waiting[0]):
            heappop(self._waiting)
        candidates = [*islice(self._ready, 1), *(lane for _, _, lane in self._waiting[:1])]
        return min(candidates, key=lambda lane: lane.entries[0][1], default=None)

    def _at_bound(self, lane: Lane, now: float) -> None:
        if self._pauses is not None:
            self._pauses.hold(lane, now)
        self._trim(lane)
        self._resettle(lane)

    def _trim(self, lane: Lane) -> None:
        """Spill from the lane's head until it fits; its newest event may be of any size."""
        slack = 2 if lane.state == FLYING or 0 < lane.pause < inf else 1
        while (
            len(lane.entries) > self._most_events * slack or lane.bytes > self._most_bytes * slack
        ) and self._spill_next(lane, "lane_full"):
            pass

    def _spill_old(self, lane: Lane, now: float) -> None:
        horizon = now - self._max_age
        while lane.entries and lane.entries[0][1] <= horizon:
            self._spill_head(lane, "age")

    def _spill_next(self, lane: Lane, reason: str) -> bool:
        """Spill the first event that is not under way; ``False``: only the newest is left."""
        flying = lane.state == FLYING
        if len(lane.entries) - flying <= 1:
            return False
        if flying:
            self._spill_second(lane, reason)
        else:
            self._spill_head(lane, reason)
        return True

    def _spill_head(self, lane: Lane, reason: str) -> None:
        tries, error = lane.tries, lane.error
        entry = lane.pop()
        self._forget(entry)
        self._spill(entry[0], reason, tries, error)

    def _spill_second(self, lane: Lane, reason: str) -> None:
        entry = lane.pop_second()
        self._forget(entry)
        self._spill(entry[0], reason, 0, "")

    def _forget(self, entry: Entry) -> None:
        size = entry[2]
        self.depth -= 1
        self.bytes -= size
        self._budget.used -= size

    # A lane's place, after events left it while it was not under way.

    def _resettle(self, lane: Lane) -> None:
        if lane.state == FLYING:
            return
        if not lane.entries:
            if lane.state == READY:
                self._stale += 1
            self._remove(lane)
            return
        if lane.state == WAITING and not lane.tries:
            self._make_ready(lane)
        if lane.pause:
            self._ease(lane)

    def _make_ready(self, lane: Lane) -> None:
        lane.state = READY
        self._ready.append(lane)

    def _ease(self, lane: Lane) -> None:
        half_empty = (
            len(lane.entries) * 2 <= self._most_events and lane.bytes * 2 <= self._most_bytes
        )
        if half_empty and self._pauses is not None:
            self._pauses.eased(lane)

    def _remove(self, lane: Lane) -> None:
        lane.state = GONE
        del self._lanes[lane.connection_id]
        if self._awaited and (awaited := self._awaited.pop(lane.connection_id, None)) is not None:
            awaited.set()
        if lane.pause and self._pauses is not None:
            self._pauses.eased(lane)
        if self._stale > max(_STALE_AT_LEAST, len(self._ready) // 2):
            self._ready = deque(each for each in self._ready if each.state != GONE)
            self._stale = 0
