"""What a bus plugin writes: how bytes get to every node, and how they come in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from gatewright import GatewrightError

__all__ = ["Link", "LinkEnded", "LinkSilent", "Receive"]

Receive = Callable[[bytes], None]
"""Takes the bytes of one message that came in. Never blocks, never raises for what it was given."""


class LinkEnded(GatewrightError):
    """A link stopped reading without an error; it is started again like one that raised."""

    def __str__(self) -> str:
        return "the link stopped reading"


class LinkSilent(GatewrightError):
    """Nothing comes in, not even what this node sends; reading is started anew.

    Attributes:
        beats: For how long, in beats.
    """

    def __init__(self, beats: int) -> None:
        self.beats = beats
        super().__init__(beats)

    def __str__(self) -> str:
        return f"nothing came in for {self.beats} beats"


class Link(Protocol):
    """A broker, as the bus sees it. Its methods run in `BusCore.run`, at the same time."""

    async def read(self, receive: Receive) -> None:
        """Connect, then give every message to ``receive``, this node's own included.

        In the order of the broker's log. Runs until cancelled; on cancellation it releases what it
        holds. Started anew (with the same link) after it raised: what the broker kept meanwhile
        must then come in too.

        Raises:
            Exception: The broker is gone. Ends `BusCore.run`, which the gateway starts again.
        """
        ...

    async def send(self, messages: Sequence[bytes]) -> Sequence[str | None]:
        """Hand messages to the broker, in order, and say of each what became of it.

        One call at a time. Cancelled when it takes too long, which must leave the link usable. Must
        not retry: the same bytes are handed over again by the caller, and what was stored twice is
        recognised where it comes in.

        Returns:
            For each message ``None`` where the broker accepted it, else why it is not known to
            have, in words without secrets.

        Raises:
            Exception: No message is known to have been accepted.
        """
        ...
