"""What waits to be handed to the broker, in order, in batches."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Final

from gatewright import BusUnavailable
from gatewright_bus_kit.link import Link

__all__ = ["Outbox"]

BATCH_MESSAGES: Final = 512
BATCH_BYTES: Final = 4 * 1024 * 1024
MOST_MESSAGES: Final = 20_000
MOST_BYTES: Final = 64 * 1024 * 1024
FIRST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 0.5


class _Entry:
    __slots__ = ("data", "done", "reason")

    def __init__(self, data: bytes, done: asyncio.Future[None] | None) -> None:
        self.data = data
        self.done = done
        self.reason = ""

    @property
    def wanted(self) -> bool:
        """Whether it is still to be sent: nobody has given it up."""
        return self.done is None or not self.done.done()


class Outbox:
    """One batch at a time goes out; what is put meanwhile makes the next.

    What the broker has not accepted is handed over again before anything later, with the same
    bytes, until its time is over. It survives a restart of `run`, so that a short outage only
    delays.
    """

    def __init__(self, *, timeout: float, patient: Callable[[], bool]) -> None:
        """Prepare.

        Args:
            timeout: How long a message may take until it is accepted, and one call of the link.
            patient: Whether it is any use to try again; asked after a failure.
        """
        self._timeout = timeout
        self._patient = patient
        self._waiting: deque[_Entry] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self.failure = ""

    def __len__(self) -> int:
        """Return how many messages wait."""
        return len(self._waiting)

    def post(self, data: bytes) -> None:
        """Send a message some time, once, if there is room; nobody asks what becomes of it."""
        if len(self._waiting) < MOST_MESSAGES:
            self._put(_Entry(data, None))

    async def put(self, data: bytes) -> None:
        """Send a message and return once the broker has accepted it.

        Cancelling gives it up: it is not sent any more, unless it is on its way. Messages that are
        put one after the other, each awaited or not, keep their order.

        Raises:
            BusUnavailable: It was not accepted in time, or too much is waiting. It may have been
                stored all the same.
        """
        if len(self._waiting) >= MOST_MESSAGES or self._bytes + len(data) > MOST_BYTES:
            reason = "too many messages wait for the broker"
            raise BusUnavailable(reason)
        loop = asyncio.get_running_loop()
        entry = _Entry(data, loop.create_future())
        self._put(entry)
        timer = loop.call_later(self._timeout, self._expire, entry)
        try:
            await entry.done  # type: ignore[misc]  # it was given one above
        finally:
            timer.cancel()

    def _put(self, entry: _Entry) -> None:
        self._waiting.append(entry)
        self._bytes += len(entry.data)
        self._empty.clear()
        self._wake.set()

    def _expire(self, entry: _Entry) -> None:
        why = f": {reason}" if (reason := entry.reason or self.failure) else ""
        _fail(entry, f"not accepted within {self._timeout:g} s{why}")

    async def emptied(self) -> None:
        """Wait until nothing waits and nothing is on its way."""
        await self._empty.wait()

    def abandon(self, reason: str) -> None:
        """Give up everything that waits."""
        while self._waiting:
            _fail(self._waiting.popleft(), reason)
        self._bytes = 0

    async def run(self, link: Link) -> None:
        """Hand messages to the link until cancelled; what was on its way then waits again."""
        pause = FIRST_PAUSE
        while True:
            await self._wake.wait()
            batch = self._take()
            if not batch:
                self._wake.clear()
                self._empty.set()
                continue
            if await self._send(link, batch):
                pause = FIRST_PAUSE
                continue
            await asyncio.sleep(pause * (0.2 + 0.8 * random.random()))  # noqa: S311 - jitter
            pause = min(pause * 2, LONGEST_PAUSE)

    def _take(self) -> list[_Entry]:
        batch: list[_Entry] = []
        size = 0
        waiting = self._waiting
        while waiting and len(batch) < BATCH_MESSAGES:
            if not waiting[0].wanted:
                self._bytes -= len(waiting.popleft().data)
                continue
            size += len(waiting[0].data)
            if batch and size > BATCH_BYTES:
                break
            batch.append(waiting.popleft())
        self._bytes -= sum(len(entry.data) for entry in batch)
        return batch

    async def _send(self, link: Link, batch: list[_Entry]) -> bool:
        """Send a batch; return whether all of it was accepted."""
        outcomes: Sequence[str | None] | None = None
        try:
            outcomes = await self._outcomes(link, batch)
        finally:
            if outcomes is None:  # cancelled: whether it was stored, nobody knows
                self._again(batch)
        failed = []
        for entry, reason in zip(batch, outcomes, strict=True):
            if reason is None:
                _accept(entry)
            else:
                entry.reason = self.failure = reason
                failed.append(entry)
        if not failed:
            self.failure = ""
            return True
        if self._patient():
            self._again(failed)
        else:
            for entry in failed:
                _fail(entry, entry.reason)
        return False

    async def _outcomes(self, link: Link, batch: list[_Entry]) -> Sequence[str | None]:
        bodies = [entry.data for entry in batch]
        try:
            async with asyncio.timeout(self._timeout):
                return await link.send(bodies)
        except TimeoutError:
            reason = f"the broker did not answer within {self._timeout:g} s"
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing is known to be stored
            reason = f"sending failed with {type(error).__name__}"
        return list(repeat(reason, len(batch)))

    def _again(self, entries: Sequence[_Entry]) -> None:
        """Put back at the head what somebody still waits for."""
        wanted = [entry for entry in entries if entry.done is not None and entry.wanted]
        self._waiting.extendleft(reversed(wanted))
        self._bytes += sum(len(entry.data) for entry in wanted)
        self._wake.set()


def _accept(entry: _Entry) -> None:
    if entry.done is not None and not entry.done.done():
        entry.done.set_result(None)


def _fail(entry: _Entry, reason: str) -> None:
    if entry.done is not None and not entry.done.done():
        entry.done.set_exception(BusUnavailable(reason))
