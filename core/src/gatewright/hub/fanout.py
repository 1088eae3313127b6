"""What is published within a few turns of the loop, written with one call per connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Final, Protocol, TypeAlias

from gatewright.wire.frames import Batch, Frame, Message

__all__ = ["Fanout", "Writable"]

Schedule: TypeAlias = Callable[[Callable[[], None]], object]


class Writable(Protocol):
    """Who gets frames."""

    write: Callable[[Message], None]


TURNS: Final = 10
"""Turns of the loop from a publication to its being written, so that requests under way join it.

A request takes about so many turns from its bytes to its publication. With nothing else to do, they
pass within some 50 µs; under load, what would be many writes to each connection becomes one.
"""

MOST_FRAMES: Final = 1000
"""So many are written at once, whatever the turn."""


class Fanout:
    """Collects frames for a few turns of the loop, then writes them.

    Work is done for each publication while it is collected, and for each connection once, however
    many publications it gets: connections that get the same ones share the joined bytes. Each gets
    its frames in the order in which they came here. Used from the event loop only.
    """

    __slots__ = ("_entries", "_schedule")

    def __init__(self, schedule: Schedule | None = None) -> None:
        """Collect nothing yet.

        Args:
            schedule: Has `flush` called soon; absent: after `TURNS` turns of the running loop.
        """
        self._entries: list[tuple[Collection[Writable], Frame]] = []
        self._schedule = schedule or _soon

    def send(self, members: Collection[Writable], frame: Frame) -> None:
        """Have ``frame`` written to each of ``members``, which may change only after a `flush`."""
        entries = self._entries
        entries.append((members, frame))
        if len(entries) == 1:
            self._schedule(self.flush)
        elif len(entries) == MOST_FRAMES:
            self.flush()

    def reply(self, member: Writable, frame: Frame) -> None:
        """Write ``frame`` to one member, after all that was sent before."""
        if self._entries:
            self._entries.append(((member,), frame))
        else:
            member.write(frame)

    def flush(self) -> None:
        """Write everything now."""
        entries = self._entries
        if not entries:
            return
        self._entries = []
        first, message = entries[0][0], entries[0][1]
        if len(entries) == 1:
            _write(first, message)
        elif all(members is first for members, _ in entries):
            _write(first, Batch([frame for _, frame in entries]))
        else:
            _write_mixed(entries)


def _write(members: Collection[Writable], message: Message) -> None:
    for member in members:
        member.write(message)


def _soon(flush: Callable[[], None]) -> None:
    _turn(asyncio.get_running_loop(), flush, TURNS)


def _turn(loop: asyncio.AbstractEventLoop, flush: Callable[[], None], left: int) -> None:
    if left > 1:
        loop.call_soon(_turn, loop, flush, left - 1)
    else:
        loop.call_soon(flush)


class _Step:
    """What connections get that have got the same so far.

    A tree: each further frame leads to a step of its own, which all who come from here share.
    """

    __slots__ = ("before", "frame", "next_step", "next_to")

    def __init__(self, before: _Step | None, frame: Frame | None) -> None:
        self.before: Final = before
        self.frame: Final = frame
        self.next_to: object = None
        self.next_step: _Step | None = None

    def then(self, entry: object, frame: Frame) -> _Step:
        """Return the step after this one for ``entry``; the same for all who ask in its turn."""
        if self.next_to is not entry or self.next_step is None:
            self.next_to, self.next_step = entry, _Step(self, frame)
        return self.next_step

    def joined(self) -> Message:
        """Return all frames up to here as one."""
        frames: list[Frame] = []
        step: _Step | None = self
        while step is not None and step.frame is not None:
            frames.append(step.frame)
            step = step.before
        return frames[0] if len(frames) == 1 else Batch(frames[::-1])


def _write_mixed(entries: list[tuple[Collection[Writable], Frame]]) -> None:
    """Write to members of whom each may get something else."""
    root = _Step(None, None)
    where: dict[Writable, _Step] = {}
    step_of = where.get
    for entry in entries:
        members, frame = entry
        for member in members:
            where[member] = step_of(member, root).then(entry, frame)
    joined: dict[_Step, Message] = {}
    for member, step in where.items():
        message = joined.get(step)
        if message is None:
            message = joined[step] = step.joined()
        member.write(message)
