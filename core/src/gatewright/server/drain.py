"""Leaving without losing anything: sockets told, events handed over, presence cleared."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatewright.wire.close_codes import SERVICE_RESTART

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from gatewright.hub.hub import Member

__all__ = ["Drain", "close_sockets"]

SOCKETS_PER_SECOND: Final = 1000
BATCH_SECONDS: Final = 0.01
LAST_WORDS_SECONDS: Final = 1.0
SHORTEST_SPREAD_MS: Final = 1000

Step = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Drain:
    """The steps of a graceful stop, in their order; each is given what its time limit leaves.

    Attributes:
        stop_taking: Answer 503 from now on, stop transports of reach ``node``.
        members: The sessions that are open now.
        empty: Waits until the last socket is gone.
        stop_readers: Stop transports of reach ``cluster``, the bus, and the work of extensions.
        flush: Hand waiting events over, the rest to dead letters, and clear presence; is given
            the seconds it may take.
        drain_seconds: For closing all sockets.
        flush_seconds: For `flush`.
    """

    stop_taking: Step
    members: Callable[[], Sequence[Member]]
    empty: Step
    stop_readers: Step
    flush: Callable[[float], Awaitable[None]]
    drain_seconds: float
    flush_seconds: float
    log: FilteringBoundLogger

    async def run(self, now: asyncio.Event) -> None:
        """Drain; once ``now`` is set, whatever still takes time is cut short."""
        count = len(self.members())
        self.log.info("draining", connections=count)
        await self._step("stop taking", now, self.stop_taking(), grace=LAST_WORDS_SECONDS)
        await self._step("close sockets", now, self._sockets())
        for member in self.members():
            member.abort()
        await _within(LAST_WORDS_SECONDS, self.empty())
        await self._step("stop readers", now, self.stop_readers(), grace=LAST_WORDS_SECONDS)
        await self._step("flush", now, self.flush(self.flush_seconds))
        if now.is_set():
            await self.flush(0.0)
        self.log.info("drained", connections=count)

    async def _sockets(self) -> None:
        await close_sockets(self.members(), self.drain_seconds)
        await _within(max(self.drain_seconds, LAST_WORDS_SECONDS), self.empty())

    async def _step(
        self, name: str, now: asyncio.Event, awaitable: Awaitable[None], *, grace: float = 0.0
    ) -> None:
        """Take one step, once ``now`` for ``grace`` at most; one that fails is not the last."""
        work = asyncio.ensure_future(awaitable)
        cut = asyncio.ensure_future(now.wait())
        try:
            await asyncio.wait({work, cut}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({work}, timeout=grace)
        finally:
            for task in (work, cut):
                task.cancel()
            failed, _ = await asyncio.gather(work, cut, return_exceptions=True)
        if isinstance(failed, Exception):
            self.log.error("a step of the drain failed", step=name, error=type(failed).__name__)
            self.log.debug("a step of the drain failed", exc_info=failed)


async def close_sockets(members: Sequence[Member], seconds: float) -> None:
    """Close connections with 1012 and a hint when to come back.

    At least 1,000 a second and at most over ``seconds``, so that the nodes that take over are not
    stormed; the hints are spread over as long again.
    """
    duration = min(len(members) / SOCKETS_PER_SECOND, seconds)
    spread = max(int(duration * 2000), SHORTEST_SPREAD_MS)
    loop = asyncio.get_running_loop()
    started = loop.time()
    for index, member in enumerate(members):
        due = started + duration * index / len(members)
        if due - loop.time() > BATCH_SECONDS:
            await asyncio.sleep(due - loop.time())
        retry = random.randint(0, spread)  # noqa: S311 - spreads load, guards nothing
        member.close(SERVICE_RESTART, f"retry={retry}")


async def _within(seconds: float, awaitable: Awaitable[None]) -> None:
    try:
        async with asyncio.timeout(seconds):
            await awaitable
    except TimeoutError:
        pass
