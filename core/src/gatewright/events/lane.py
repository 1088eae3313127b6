"""One connection's events on their way to one sink, and what they cost in memory."""

from __future__ import annotations

from collections import deque
from typing import Final

from gatewright.model import Event

__all__ = ["FLYING", "GONE", "OVERHEAD", "READY", "WAITING", "Entry", "Lane", "entry_of"]

Entry = tuple[Event, float, int]
"""An event, the monotonic second it was emitted at, and its size; shared by all sinks' lanes."""

OVERHEAD: Final = 512
"""Bytes an event is counted with beside its body, so that bounds speak of real memory."""

READY: Final = 0
"""The head waits for a free attempt."""
FLYING: Final = 1
"""The head's attempt is under way."""
WAITING: Final = 2
"""The head waits for its next attempt's time."""
GONE: Final = 3
"""The lane is empty and forgotten; a later event of the connection makes a new one."""


def entry_of(event: Event, now: float) -> Entry:
    """Return the entry of an event that happens at ``now`` (monotonic seconds)."""
    return event, now, len(event.body) + OVERHEAD


class Lane:
    """The events of one connection that one sink has yet to take, oldest first.

    Only the head is ever attempted, so what is known of attempts is kept here, once per lane.

    Attributes:
        connection_id: Whose events these are.
        since: When the age of the head was last looked at; the lane's making at first.
        entries: The events; the head is the one to attempt.
        bytes: The sum of their sizes.
        state: ``READY``, ``FLYING``, ``WAITING`` or ``GONE``.
        tries: How often the head was attempted.
        used: How many of those count against the sink's ``attempts``; probes do not.
        error: What the head's last attempt said.
        outgoing: The head as this sink gets it, made once; ``None`` before its first attempt.
        ticket: Which entry among the waiting lanes is this lane's.
        watched: Whether the age watch has the lane among those it looks at by their head.
        pause: Until when reading the connection is paused for this lane; 0: it is not; infinity:
            it was, for as long as allowed, and the lane has not eased since.
    """

    __slots__ = (
        "bytes",
        "connection_id",
        "entries",
        "error",
        "outgoing",
        "pause",
        "since",
        "state",
        "ticket",
        "tries",
        "used",
        "watched",
    )

    def __init__(self, connection_id: str, now: float) -> None:
        self.connection_id = connection_id
        self.since = now
        self.entries: deque[Entry] = deque()
        self.bytes = 0
        self.state = READY
        self.tries = 0
        self.used = 0
        self.error = ""
        self.outgoing: Event | None = None
        self.ticket = 0
        self.watched = False
        self.pause = 0.0

    def pop(self) -> Entry:
        """Take the head off, and forget its attempts."""
        entry = self.entries.popleft()
        self.bytes -= entry[2]
        if self.tries:
            self.tries = self.used = 0
            self.error = ""
        self.outgoing = None
        return entry

    def pop_second(self) -> Entry:
        """Take the event behind the head out."""
        entry = self.entries[1]
        del self.entries[1]
        self.bytes -= entry[2]
        return entry
