"""What a queue store has read and not given back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from aiormq.abc import DeliveredMessage

from gatewright_rabbitmq_kit.keys import key_of

__all__ = ["Held", "HeldLetters"]


@dataclass(slots=True)
class Held:
    """A letter that was read.

    Attributes:
        key: Its key.
        message: What was read.
        tag: What acknowledges it; ``None`` while its newest copy is in the queue.
    """

    key: str
    message: DeliveredMessage
    tag: int | None


class HeldLetters:
    """Letters in the order in which they were read, each key once."""

    def __init__(self) -> None:
        self._letters: dict[str, Held] = {}
        self._order: list[str] = []
        self._places: dict[str, int] = {}
        self._copies: Counter[str] = Counter()

    def knows(self, key: str) -> bool:
        """Return whether a letter was read under this key; it may have been removed."""
        return key in self._places

    def get(self, key: str) -> Held | None:
        """Return a letter that was not removed."""
        return self._letters.get(key)

    def page(self, after: str | None, limit: int) -> Sequence[Held]:
        """Return letters after a key that is known, those that were removed left out."""
        page: list[Held] = []
        for place in range(0 if after is None else self._places[after] + 1, len(self._order)):
            held = self._letters.get(self._order[place])
            if held is not None:
                page.append(held)
                if len(page) == limit:
                    break
        return page

    def add(self, message: DeliveredMessage, tag: int) -> int | None:
        """Take a message that was read; return the tag of an older copy that it replaces."""
        base, own = key_of(message)
        copies = max(self._copies[base], 1)
        moved = self._awaited(base, copies)
        if moved is not None:
            moved.message, moved.tag = message, tag
            return None
        held = self._letters.get(base)
        if own and held is not None:
            older, held.message, held.tag = held.tag, message, tag
            return older
        self._copies[base] += 1
        copies = self._copies[base]
        key = base if copies == 1 else f"{base}-{copies}"
        self._places[key] = len(self._order)
        self._order.append(key)
        self._letters[key] = Held(key, message, tag)
        return None

    def remove(self, key: str) -> None:
        """Forget a letter; what comes after it can still be asked for."""
        del self._letters[key]

    def _awaited(self, base: str, copies: int) -> Held | None:
        """Return the letter whose marked copy this must be."""
        for copy in range(1, copies + 1):
            held = self._letters.get(base if copy == 1 else f"{base}-{copy}")
            if held is not None and held.tag is None:
                return held
        return None
