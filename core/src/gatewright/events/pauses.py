"""Pausing the reading of connections whose lanes are full, where the operator chose that."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from gatewright.events.lane import Lane

__all__ = ["Pause", "PauseBook", "Pauses"]

Pause = Callable[[str, bool], None]
"""Pauses (``True``) or resumes (``False``) reading the connection of that id."""


class PauseBook:
    """Pauses a connection once, however many sinks' lanes of it are full."""

    def __init__(self, pause: Pause, log: FilteringBoundLogger) -> None:
        self._pause = pause
        self._log = log
        self._held: Counter[str] = Counter()

    def hold(self, connection_id: str) -> None:
        """Let one more lane ask for the pause."""
        self._held[connection_id] += 1
        if self._held[connection_id] == 1:
            self._tell(connection_id, paused=True)

    def let_go(self, connection_id: str) -> None:
        """Let one lane fewer ask for it."""
        self._held[connection_id] -= 1
        if not self._held[connection_id]:
            del self._held[connection_id]
            self._tell(connection_id, paused=False)

    def _tell(self, connection_id: str, *, paused: bool) -> None:
        try:
            self._pause(connection_id, paused)
        except Exception:  # noqa: BLE001 - an event is emitted whatever the socket does
            self._log.exception("reading of a connection could not be paused or resumed")


class Pauses:
    """The pauses that one sink's lanes have asked for, each at most ``seconds`` long.

    A lane that has used its time up gets no further pause before it has eased, so that pings and
    closes of its client are seen.
    """

    def __init__(self, book: PauseBook, seconds: float) -> None:
        self._book = book
        self._seconds = seconds
        self._ends: deque[tuple[float, Lane]] = deque()

    @property
    def due(self) -> float:
        """When the next pause ends; infinity: none is on."""
        return self._ends[0][0] if self._ends else inf

    def hold(self, lane: Lane, now: float) -> bool:
        """Pause the lane's connection; return whether it is paused now."""
        if not lane.pause:
            lane.pause = now + self._seconds
            self._ends.append((lane.pause, lane))
            self._book.hold(lane.connection_id)
        return lane.pause < inf

    def eased(self, lane: Lane) -> None:
        """Resume, for the lane has room again or is gone."""
        if lane.pause < inf:
            self._book.let_go(lane.connection_id)
        lane.pause = 0.0

    def over(self, now: float) -> Lane | None:
        """Resume a connection whose time is up and return its lane; ``None``: no more of them."""
        while self._ends and self._ends[0][0] <= now:
            end, lane = self._ends.popleft()
            if lane.pause == end:
                lane.pause = inf
                self._book.let_go(lane.connection_id)
                return lane
        return None
