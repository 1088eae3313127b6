"""What a plugin under test is given in place of a gateway: it works, and remembers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from gatewright.builtin.memory_presence import MemoryPresence
from gatewright.model import (
    Command,
    ConnectionInfo,
    DeadLetter,
    Publication,
    Receipt,
    StoredDeadLetter,
)

__all__ = ["Letters", "Surroundings"]


@dataclass
class Letters:
    """A dead letter store in memory."""

    stored: list[StoredDeadLetter] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count, init=False, repr=False)

    async def put(self, records: Sequence[DeadLetter]) -> None:
        """Remember letters."""
        for letter in records:
            self.stored.append(StoredDeadLetter(f"{next(self._numbers):08}", letter))

    async def read(self, after: str | None = None, limit: int = 100) -> Sequence[StoredDeadLetter]:
        """Return letters in the order of writing."""
        return [each for each in self.stored if after is None or each.key > after][:limit]

    async def mark(self, key: str, state: str) -> None:
        """Give a letter a state."""
        self.stored = [
            StoredDeadLetter(each.key, each.letter, state) if each.key == key else each
            for each in self.stored
        ]

    async def remove(self, keys: Sequence[str]) -> int:
        """Forget letters."""
        before = len(self.stored)
        self.stored = [each for each in self.stored if each.key not in keys]
        return before - len(self.stored)


@dataclass
class Surroundings:
    """Stands for the gateway around one plugin.

    Attributes:
        published: What the plugin published, in order.
        commanded: What it commanded, in order.
        lost_connections: Those it said to be lost.
        evicted: Why it had this node evicted, each time.
        letters: The dead letter store it was given.
        presence: The presence store it was given.
        refuse: Raised by the next publications and commands instead of taking them.
        sent: How many connections each publication and command is said to have reached.
    """

    published: list[Publication] = field(default_factory=list)
    commanded: list[Command] = field(default_factory=list)
    lost_connections: list[ConnectionInfo] = field(default_factory=list)
    evicted: list[str] = field(default_factory=list)
    letters: Letters = field(default_factory=Letters)
    presence: MemoryPresence = field(default_factory=MemoryPresence)
    refuse: list[Exception] = field(default_factory=list)
    sent: int = 1

    async def publish(self, publication: Publication, *, count: bool = True) -> Receipt:
        """Take a publication, as `gatewright.Publish` does."""
        if self.refuse:
            raise self.refuse.pop(0)
        self.published.append(publication)
        return Receipt(self.sent if count else None)

    async def command(self, command: Command) -> Receipt:
        """Take a command, as `gatewright.SendCommand` does."""
        if self.refuse:
            raise self.refuse.pop(0)
        self.commanded.append(command)
        return Receipt(self.sent)

    async def lost(self, connections: Sequence[ConnectionInfo]) -> None:
        """Take note of connections of a node that is gone, as `gatewright.Membership` does."""
        self.lost_connections.extend(connections)

    def evict(self, why: str) -> int:
        """Take note, as `gatewright.Membership` does."""
        self.evicted.append(why)
        return 0

    def issue_token(self, user_id: str) -> str:
        """Return a token for a user."""
        return f"token-of-{user_id}"

    @property
    def provided(self) -> Mapping[str, Any]:
        """What there is for a factory's ``needs``."""
        return {
            "publish": self.publish,
            "command": self.command,
            "presence": self.presence,
            "membership": self,
            "dead_letters": self.letters,
            "issue_token": self.issue_token,
        }
