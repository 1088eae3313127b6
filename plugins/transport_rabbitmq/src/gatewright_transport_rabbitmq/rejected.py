"""Messages that cannot be read: written to the dead-letter queue before they are acknowledged."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gatewright_rabbitmq_kit import UNAVAILABLE, ConfirmedPublisher, Message, Pauses
from gatewright_transport_rabbitmq.in_doubt import Key
from gatewright_transport_rabbitmq.watch import Watch

__all__ = ["Rejected", "RejectedMessages"]


@dataclass(eq=False, slots=True)
class Rejected:
    """A message that cannot be read.

    Attributes:
        tag: What acknowledges it; 0 where nothing can, because the queue is gone.
        key: What it is recognised by when it is given again.
        letter: The dead letter.
    """

    tag: int
    key: Key
    letter: Message


class RejectedMessages:
    """Writes dead letters beside the consuming, so that none of them holds up what follows.

    What cannot be written stays unacknowledged and is tried again, with pauses.
    """

    def __init__(
        self, publisher: ConfirmedPublisher, *, watch: Watch, pauses: Pauses, size: int
    ) -> None:
        self._publisher = publisher
        self._watch = watch
        self._pauses = pauses
        self._waiting: list[Rejected] = []
        self._written: list[Rejected] = []
        self._known: deque[Key] = deque(maxlen=size)
        self._arrived = asyncio.Event()
        self._changed = asyncio.Event()

    def __bool__(self) -> bool:
        """Whether any is not acknowledged."""
        return bool(self._waiting or self._written)

    @property
    def written(self) -> bool:
        """Whether any can be acknowledged."""
        return bool(self._written)

    def add(self, rejected: Rejected, *, again: bool) -> None:
        """Take a message; ``again``: the broker gave it before."""
        if again and rejected.key in self._known:
            self._known.remove(rejected.key)
            self._written.append(rejected)
            self._changed.set()
            return
        self._waiting.append(rejected)
        self._arrived.set()

    def take_written(self) -> Sequence[Rejected]:
        """Return those whose letters are confirmed; they must be acknowledged now."""
        taken, self._written = self._written, []
        self._known.extend(each.key for each in taken)
        return taken

    def reset(self) -> None:
        """The channel ended: all of them are given again, some of them already written."""
        self._known.extend(each.key for each in self._written)
        self._waiting, self._written = [], []

    def orphan(self) -> None:
        """The queue is gone: nothing is given again, so what waits here is all there is."""
        for each in self._waiting:
            each.tag = 0
        self._written = []

    async def settled(self, seconds: float) -> None:
        """Wait until nothing is left to write, or for so long."""
        try:
            async with asyncio.timeout(seconds):
                while self._waiting:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return

    async def run(self, wake: Callable[[], None]) -> None:
        """Write what comes until cancelled.

        Args:
            wake: Called when some were written.
        """
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                if not await self._write(list(self._waiting), wake):
                    await asyncio.sleep(self._pauses.next())

    async def _write(self, batch: Sequence[Rejected], wake: Callable[[], None]) -> bool:
        try:
            outcomes = await self._publisher.publish_many([each.letter for each in batch])
        except UNAVAILABLE as error:
            self._watch.letters_refused(error, len(batch))
            return False
        done = {each for each, failed in zip(batch, outcomes, strict=True) if failed is None}
        self._written += [each for each in self._waiting if each in done and each.tag]
        # The channel of the others has ended meanwhile: they are given again.
        self._known.extend(each.key for each in done.difference(self._waiting))
        self._waiting = [each for each in self._waiting if each not in done]
        self._changed.set()
        if done:
            wake()
        failures = [failed for failed in outcomes if failed is not None]
        if failures:
            self._watch.letters_refused(failures[0], len(failures))
            return False
        self._pauses.reset()
        self._watch.letters_written()
        return True
