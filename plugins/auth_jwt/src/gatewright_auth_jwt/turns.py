"""A share of each turn of the event loop, so that much computing delays nobody else for long.

Checking a signature is computation that no thread takes off the loop: the library holds the
interpreter's lock meanwhile, so a thread made each check four times as dear and the loop wait for
the lock. A thousand clients that connect at once would be checked in one turn, and every message
of others would wait until the last of them was.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar, cast

__all__ = ["Turns"]

SHARE_SECONDS: Final = 0.001

T = TypeVar("T")


class Turns:
    """Does pieces of work, about a millisecond of them in one turn of the loop.

    Work for which there is time is done at once, without giving way to anybody. The rest is done
    in later turns, first come first served. A piece is never cut, so that a turn may last one
    piece longer. For tasks of one loop.
    """

    __slots__ = ("_scheduled", "_share", "_spent", "_timer", "_waiting")

    def __init__(
        self, share: float = SHARE_SECONDS, timer: Callable[[], float] = time.perf_counter
    ) -> None:
        """Begin with nothing to do.

        Args:
            share: Seconds of work in one turn.
            timer: Seconds that only grow.
        """
        self._share, self._timer = share, timer
        self._spent = 0.0
        self._scheduled = False
        self._waiting: deque[_Piece[Any]] = deque()

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work and return, or raise, what it does.

        Cancelling while it waits its turn means that it is never done.
        """
        loop = asyncio.get_running_loop()
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._begin_turn, loop)
        if self._spent < self._share:  # then nobody waits: who does is served first in a turn
            return self._timed(work)
        piece = _Piece(work, loop)
        self._waiting.append(piece)
        await piece.done
        return piece.outcome()

    def _begin_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do what waits, and come back for as long as a turn had any work at all."""
        self._spent = 0.0
        while self._waiting and self._spent < self._share:
            self._timed(self._waiting.popleft().do)
        self._scheduled = self._spent > 0
        if self._scheduled:
            loop.call_soon(self._begin_turn, loop)

    def _timed(self, work: Callable[[], T]) -> T:
        began = self._timer()
        try:
            return work()
        finally:
            self._spent += self._timer() - began


class _Piece(Generic[T]):
    """Work that waits its turn."""

    __slots__ = ("_failure", "_result", "_work", "done")

    def __init__(self, work: Callable[[], T], loop: asyncio.AbstractEventLoop) -> None:
        self._work = work
        self._result: T | None = None
        self._failure: Exception | None = None
        self.done: asyncio.Future[None] = loop.create_future()

    def do(self) -> None:
        if self.done.done():  # whoever waited was cancelled
            return
        try:
            self._result = self._work()
        except Exception as error:  # noqa: BLE001 - whoever waits gets it
            self._failure = error
        self.done.set_result(None)

    def outcome(self) -> T:
        """Return or raise what the work did; once."""
        failure, self._failure = self._failure, None
        if failure is not None:
            try:
                raise failure
            finally:  # its traceback has this frame: a ring that only the collector would break
                del failure
        return cast("T", self._result)
