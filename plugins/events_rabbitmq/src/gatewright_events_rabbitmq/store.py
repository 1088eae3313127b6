"""The store of dead letters: a queue, and a look at it now and then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import anyio

from gatewright import DeadLetter, Health, StoredDeadLetter
from gatewright_rabbitmq_kit import (
    UNAVAILABLE,
    Broker,
    Pauses,
    QueueStore,
    describe,
    use_queue,
)

__all__ = ["RabbitmqStore"]

_LOOK_SECONDS: Final = 5.0


class RabbitmqStore:
    """Keeps dead letters in a durable queue. Safe from many tasks.

    What was read stays out of the queue's sight, and comes back to it, when the store is closed.

    Args:
        letters: The queue's letters.
        broker: Where the queue is, to be asked how it is.
        queue: Its name.
        pauses: Between attempts to connect.
    """

    __slots__ = ("_broker", "_letters", "_pauses", "_queue", "_trouble", "_waiting")

    def __init__(self, letters: QueueStore, *, broker: Broker, queue: str, pauses: Pauses) -> None:
        self._letters = letters
        self._broker = broker
        self._queue = queue
        self._pauses = pauses
        self._trouble = "not connected yet"
        self._waiting = 0

    async def put(self, records: Sequence[DeadLetter]) -> None:
        """Write records in order and return once all are confirmed.

        Being cancelled leaves open which are there.

        Raises:
            Exception: One of `UNAVAILABLE`: some are not known to be there.
        """
        await self._letters.put(records)

    async def read(self, after: str | None = None, limit: int = 100) -> Sequence[StoredDeadLetter]:
        """Return up to ``limit`` records in the queue's order, after the key ``after``.

        Raises:
            Exception: One of `UNAVAILABLE`.
        """
        return await self._letters.read(after, limit)

    async def mark(self, key: str, state: str) -> None:
        """Give a record a state. An unknown key is no error.

        Raises:
            Exception: One of `UNAVAILABLE`: it may be marked, or not.
        """
        await self._letters.mark(key, state)

    async def remove(self, keys: Sequence[str]) -> int:
        """Remove records for good and return how many there were.

        Raises:
            Exception: One of `UNAVAILABLE`: some may be there still.
        """
        return await self._letters.remove(keys)

    async def run(self) -> None:
        """Ask the broker how the queue is, for ``/ready``, until cancelled."""
        while True:
            try:
                await self._watch()
            except UNAVAILABLE as error:
                self._trouble = describe(error)
            await anyio.sleep(self._pauses.next())

    def health(self) -> Health:
        """Tell whether the broker answered lately, and how many letters waited in the queue."""
        detail = f"{self._broker.shown}: {self._trouble}" if self._trouble else ""
        facts: dict[str, str | int] = {
            "rabbitmq": self._broker.shown,
            "letters": self._waiting,
        }
        return Health(not self._trouble, detail, facts)

    async def _watch(self) -> None:
        async with self._broker.session() as link:
            while True:
                self._waiting = await use_queue(link, self._queue)
                self._trouble = ""
                self._pauses.reset()
                await anyio.sleep(_LOOK_SECONDS)
