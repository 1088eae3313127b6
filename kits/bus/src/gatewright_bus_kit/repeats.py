"""Recognises copies of one message that come in more than once."""

from __future__ import annotations

from typing import Final

from gatewright import Clock

__all__ = ["Repeats"]

WINDOW: Final = 4096
"""How many of a sender's last messages are told apart; far more than go out in one batch."""

REMEMBER_SECONDS: Final = 120.0
_MASK: Final = (1 << WINDOW) - 1


class _Sender:
    __slots__ = ("at", "newest", "seen")

    def __init__(self) -> None:
        self.newest = 0
        self.seen = 0  # bit n: whether message `newest` - n came
        self.at = 0.0


class Repeats:
    """Remembers which numbers of each sender came; a sender until it is silent for two minutes.

    A copy so late that the window has passed it counts as a repeat: it was sent again long ago, or
    given up.
    """

    __slots__ = ("_clock", "_senders")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._senders: dict[bytes, _Sender] = {}

    def __len__(self) -> int:
        """Return how many senders are remembered."""
        return len(self._senders)

    def is_new(self, sender: bytes, seq: int) -> bool:
        """Take note of a message; return whether it is the first of its number."""
        known = self._senders.get(sender)
        if known is None:
            known = self._senders[sender] = _Sender()
        known.at = self._clock.monotonic()
        ahead = seq - known.newest
        if ahead > 0:
            known.seen = (known.seen << ahead | 1) & _MASK if ahead < WINDOW else 1
            known.newest = seq
            return True
        bit = 1 << -ahead
        if -ahead >= WINDOW or known.seen & bit:
            return False
        known.seen |= bit
        return True

    def forget(self) -> None:
        """Forget senders that have been silent for long."""
        before = self._clock.monotonic() - REMEMBER_SECONDS
        for sender in [each for each, known in self._senders.items() if known.at < before]:
            del self._senders[sender]
