"""Finds the lanes whose head has waited too long, without looking at the others."""

from __future__ import annotations

from heapq import heappop, heappush
from math import inf
from typing import Final

from gatewright.events.lane import FLYING, GONE, Lane

__all__ = ["AgeWatch"]

_SCAN: Final = 1000
"""Lanes looked at in one call, so that no call holds the loop for long."""


class AgeWatch:
    """Watches the ages of the heads of all lanes of one sink.

    Lanes come and go far more often than they grow old. So a young lane costs nothing here: the
    dictionary of lanes, in the order of their making, is looked at from its front. A lane that has
    outlived ``max_age`` (its head need not have) moves to the dictionary's end and gets one place
    in a heap ordered by the time of its head.

    Attributes:
        due: When `collect` and `pop` should next be called; infinity: no lane, no need.
    """

    def __init__(self, lanes: dict[str, Lane], max_age: float) -> None:
        self._lanes = lanes
        self._max_age = max_age
        self._elders: list[tuple[float, int, Lane]] = []
        self._count = 0
        self._recheck = min(1.0, max_age / 4)
        self.due = inf

    def started(self, now: float) -> None:
        """Say that a lane was made while nothing was due."""
        self.due = now + self._max_age

    def collect(self, now: float) -> None:
        """Find lanes that have grown old since the last call; once before a round of `pop`."""
        horizon = now - self._max_age
        lanes = self._lanes
        old: list[Lane] = []
        for lane in lanes.values():
            if lane.since > horizon or len(old) == _SCAN:
                break
            old.append(lane)
        for lane in old:
            del lanes[lane.connection_id]
            lanes[lane.connection_id] = lane
            lane.since = now
            if not lane.watched:
                self._watch(lane, lane.entries[0][1])

    def pop(self, now: float) -> Lane | None:
        """Return a lane whose head is too old, or ``None`` when there is none left.

        What remains of the lane afterwards has to be given back with `put`.
        """
        horizon = now - self._max_age
        elders = self._elders
        while elders and elders[0][0] <= horizon:
            lane = heappop(elders)[2]
            if lane.state != GONE:
                lane.watched = False
                return lane
        self._plan()
        return None

    def put(self, lane: Lane, now: float) -> None:
        """Watch a lane by the age of its head; look again soon where that is under way."""
        if lane.watched or lane.state == GONE:
            return
        at = lane.entries[0][1]
        if lane.state == FLYING:
            at = max(at, now - self._max_age + self._recheck)
        self._watch(lane, at)

    def _watch(self, lane: Lane, at: float) -> None:
        lane.watched = True
        self._count += 1
        heappush(self._elders, (at, self._count, lane))

    def _plan(self) -> None:
        oldest = self._elders[0][0] if self._elders else inf
        for lane in self._lanes.values():
            oldest = min(oldest, lane.since)
            break
        self.due = oldest + self._max_age
