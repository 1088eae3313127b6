"""Keys of dead letters in a queue."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from aiormq.abc import DeliveredMessage

from gatewright import Clock

__all__ = ["KEY_HEADER", "KeyMaker", "key_of"]

KEY_HEADER: Final = "x-gatewright-key"
_REASON: Final = "reason"


class KeyMaker:
    """Makes keys that increase, over restarts too as long as the clock does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> str:
        """Return a key that is greater than all before: microseconds since 1970."""
        self._last = max(self._last + 1, int(self._clock.time() * 1_000_000))
        return f"{self._last:016d}"


def key_of(message: DeliveredMessage) -> tuple[str, bool]:
    """Return a message's key, and whether it was written with it.

    Where it was not, the key is made of its id, reason and body; equal messages have equal keys.
    """
    properties = message.header.properties
    headers = properties.headers or {}
    own = headers.get(KEY_HEADER)
    if isinstance(own, str) and own:
        return own, True
    digest = blake2b(digest_size=10)
    for part in (properties.message_id, headers.get(_REASON)):
        digest.update(b"%d:" % len(str(part)) + str(part).encode(errors="replace"))
    digest.update(message.body)
    return digest.hexdigest(), False
