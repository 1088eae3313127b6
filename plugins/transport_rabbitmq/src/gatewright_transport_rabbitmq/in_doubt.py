"""Messages that were handled, whose acknowledgement may not have arrived."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NewType

from aiormq.abc import DeliveredMessage

__all__ = ["InDoubt", "Key", "key_of"]

Key = NewType("Key", int)


def key_of(message: DeliveredMessage) -> Key:
    """Return what tells messages apart in this process: a hash of id and body."""
    return Key(hash((message.header.properties.message_id, message.body)))


class InDoubt:
    """Recognises messages that this node has handled and the broker gives again.

    Most backends send no ids. But the broker gives back in order what it had not seen acknowledged,
    so what it gives again are the last messages that this node had, from some point on. Nothing
    unhandled is taken for handled as long as bodies differ; among equal ones the later is assumed,
    so that one is rather published twice than never. For the same reason a message is remembered
    only until the broker is known to have seen its acknowledgement, a moment later. A broker that
    is killed may forget even then: what it gives again after that is published again.

    Args:
        size: How many messages can be unacknowledged at once.
    """

    def __init__(self, size: int) -> None:
        self._handled: deque[Key] = deque(maxlen=size)
        self._count = 0
        self._acknowledged = 0
        self._expected: Sequence[Key] = ()
        self._doubtful = 0
        self._place: int | None = None

    def handled(self, key: Key) -> None:
        """Take note of a message, in the order in which they are handled."""
        self._handled.append(key)
        self._count += 1

    def acknowledged(self) -> None:
        """All that were handled so far were acknowledged, as far as this side knows."""
        self._acknowledged = self._count

    def mark(self) -> int:
        """Return a mark for `settled`."""
        return self._acknowledged

    def settled(self, mark: int) -> None:
        """The broker has seen the acknowledgements of all before ``mark``."""
        later = self._count - mark
        while len(self._handled) > later:
            self._handled.popleft()

    def lost(self, unhandled: Iterable[DeliveredMessage]) -> None:
        """The channel ended, with messages that had arrived and were not handled."""
        handled = tuple(self._handled)
        self._expected = handled + tuple(key_of(each) for each in unhandled)
        self._doubtful = len(handled)
        self._place = None
        self._handled.clear()

    def forget(self) -> None:
        """Others have had the queue since: what comes again was theirs."""
        self._expected, self._doubtful = (), 0

    def again(self, key: Key) -> bool:
        """Return whether a message that is given again was handled before the channel ended."""
        if not self._doubtful:
            return False
        if self._place is None:
            places = [place for place, each in enumerate(self._expected) if each == key]
            if not places:
                return False
            self._place = places[-1]
        if self._place >= self._doubtful:
            self.forget()
            return False
        if self._expected[self._place] != key:
            return False
        self._place += 1
        return True
