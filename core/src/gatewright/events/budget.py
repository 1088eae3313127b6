"""The bytes that may wait in all lanes of the process together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gatewright.events.lane import Lane

__all__ = ["Budget", "Spender"]


class Spender(Protocol):
    """What waits for one sink, as far as the budget goes.

    Attributes:
        bytes: What waits, in bytes.
        depth: What waits, in events.
    """

    bytes: int
    depth: int

    def spill_older(self, lane: Lane, budget: Budget) -> None:
        """Spill from the lane's head, but keep its newest event."""
        ...

    def spill_longest(self) -> bool:
        """Spill the head of the longest-waiting lane; ``False``: there is none."""
        ...

    def spill_behind(self) -> bool:
        """Spill an event that waits behind one under way; ``False``: there is none."""
        ...


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
        self._backlogs: list[Spender] = []

    def join(self, backlog: Spender) -> None:
        """Let a sink's lanes share the budget."""
        self._backlogs.append(backlog)

    def relieve(self, backlog: Spender, lane: Lane) -> None:
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
