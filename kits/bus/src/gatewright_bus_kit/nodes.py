"""Which nodes share the bus, as far as this one hears them."""

from __future__ import annotations

from typing import Final

from gatewright import Clock
from gatewright_bus_kit.codec import Beat

__all__ = ["Nodes"]

FORGET_BEATS: Final = 3.25
"""A node is taken to be gone when three of its beats are missing, and a little."""


class Nodes:
    """Keeps the incarnations that were heard lately, this one always among them.

    An incarnation is one life of one process, so that a node which was started again, or two
    processes with the same node id, are told apart.
    """

    def __init__(self, clock: Clock, *, node: str, own: bytes, beat_seconds: float) -> None:
        self._clock = clock
        self._node = node
        self._own = own
        self._forget_after = beat_seconds * FORGET_BEATS
        self._heard: dict[bytes, float] = {}
        self._live = frozenset((own,))
        self._rival: tuple[bytes, float] | None = None
        self._fought_until = 0.0

    @property
    def live(self) -> frozenset[bytes]:
        """The incarnations that are there now."""
        return self._live

    @property
    def rival(self) -> bytes:
        """Another incarnation that was heard using this node's id lately, or empty."""
        if self._rival is None or self._rival[1] <= self._clock.monotonic():
            return b""
        return self._rival[0]

    @property
    def duplicated(self) -> bool:
        """Whether another live process uses this node's id."""
        return self._fought_until > self._clock.monotonic()

    def heard(self, sender: bytes, beat: Beat) -> bool:
        """Take note of another node's beat; return whether its incarnation is new."""
        if beat.leaving:
            self._drop((sender,))
            return False
        now = self._clock.monotonic()
        if beat.node == self._node:
            self._rival = (sender, now + self._forget_after)
            # Beats of a former life may wait in the broker, but only a live one can know of us.
            if beat.rival == self._own:
                self._fought_until = now + self._forget_after
        is_new = sender not in self._heard
        self._heard[sender] = now
        if is_new:
            self._live |= {sender}
        return is_new

    def forget(self) -> None:
        """Forget who has not been heard for three beats."""
        before = self._clock.monotonic() - self._forget_after
        self._drop(tuple(each for each, at in self._heard.items() if at < before))

    def _drop(self, senders: tuple[bytes, ...]) -> None:
        for sender in senders:
            self._heard.pop(sender, None)
        self._live = self._live.difference(senders)
