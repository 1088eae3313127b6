"""Adds up how many connections of all nodes a message matched."""

from __future__ import annotations

import asyncio
from typing import Final

from gatewright import Receipt

__all__ = ["Tallies", "Tally"]

ANSWER_SECONDS: Final = 0.1
"""How long answers are waited for once the broker has accepted a message."""


class Tally:
    """The answers to one message."""

    __slots__ = ("_done", "_sent", "_waiting")

    def __init__(self, nodes: frozenset[bytes]) -> None:
        self._waiting = set(nodes)
        self._sent = 0
        self._done: asyncio.Future[None] | None = None

    def add(self, node: bytes, sent: int) -> None:
        """Take a node's answer; that of a node nobody knew counts too."""
        self._sent += sent
        self._waiting.discard(node)
        if not self._waiting and self._done is not None and not self._done.done():
            self._done.set_result(None)

    async def receipt(self) -> Receipt:
        """Wait until every node has answered, at most `ANSWER_SECONDS`."""
        if self._waiting:
            loop = asyncio.get_running_loop()
            done = self._done = loop.create_future()
            timer = loop.call_later(ANSWER_SECONDS, _finish, done)
            try:
                await done
            finally:
                timer.cancel()
        return Receipt(self._sent, exact=not self._waiting)


class Tallies:
    """The messages of this node whose answers are being waited for."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[int, Tally] = {}

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._open)

    def open(self, seq: int, nodes: frozenset[bytes]) -> Tally:
        """Expect the answers of ``nodes`` to the message ``seq``; `close` it in any case."""
        tally = self._open[seq] = Tally(nodes)
        return tally

    def close(self, seq: int) -> None:
        """Expect no more answers."""
        self._open.pop(seq, None)

    def add(self, seq: int, node: bytes, sent: int) -> None:
        """Take an answer; one that comes too late is of no use."""
        tally = self._open.get(seq)
        if tally is not None:
            tally.add(node, sent)


def _finish(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
