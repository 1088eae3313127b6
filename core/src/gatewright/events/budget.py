"""The bytes that may wait in all lanes of the process together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatewright.events.backlog import Backlog
    from gatewright.events.lane import Lane

__all__ = ["Budget"]


class Budget:
    """One limit over the lanes of every sink.

    Attributes:
        limit: Bytes that may wait.
        used: Bytes that wait.
    """

    __slots__ = ("_backlogs", "limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._backlogs: list[Backlog] = []

    def join(self, backlog: Backlog) -> None:
        """Let a sink's lanes share the budget."""
        self._backlogs.append(backlog)

    def relieve(self, backlog: Backlog, lane: Lane) -> None:
        """Spill until what waits fits, after ``lane`` of ``backlog`` grew.

        The lane that grew pays first, from its head, unless its sink uses no more than an equal
        share: a dead sink must not cost a healthy one its events. Then the sink that uses most
        pays: its longest-waiting lanes first, then what waits behind its attempts under way. A
        single event larger than the whole budget may wait where nothing else does.
        """
        if backlog.bytes * len(self._backlogs) > self.limit:
            backlog.spill_older(lane, self)
        while self.exceeded and self._spill_one():
            pass

    @property
    def exceeded(self) -> bool:
        """Whether more waits than may, in more than one event."""
        return self.used > self.limit and sum(each.depth for each in self._backlogs) > 1

    def _spill_one(self) -> bool:
        heaviest_first = sorted(self._backlogs, key=lambda each: each.bytes, reverse=True)
        return any(each.spill_longest() or each.spill_behind() for each in heaviest_first)
