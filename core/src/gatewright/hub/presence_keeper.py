"""Keeps the presence store in step with this node's connections, off the data path."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import anyio

from gatewright.plugin.describe import describe
from gatewright.plugin.supervisor import Pacing, Pauses, is_cancelled

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from gatewright.clock import Clock
    from gatewright.metrics import Metrics
    from gatewright.model import ConnectionInfo
    from gatewright.plugin.protocols import Presence

__all__ = ["PresenceKeeper", "RefreshWheel"]

Call = Literal["joined", "left", "refresh"]

CALLS: Final[tuple[Call, ...]] = ("joined", "left", "refresh")
BATCH: Final = 500
LOG_SECONDS: Final = 10.0
HASTE: Final = 0.9  # refreshed a tenth early, so that a slow store still keeps the promise


class Change(NamedTuple):
    """What the store has yet to be told of one connection.

    Attributes:
        call: The method that tells it.
        info: The connection.
        known: Whether the store may have heard of the connection before.
    """

    call: Call
    info: ConnectionInfo
    known: bool


class RefreshWheel:
    """Spreads connections evenly over a period: each has its slot, each slot its time.

    A connection comes round exactly once a turn, whoever else comes and goes. A turn that is late
    moves no later one.
    """

    __slots__ = ("_began", "_slots", "_step", "_turned")

    def __init__(self, seconds: float, now: float, slots: int = 64) -> None:
        self._slots: tuple[dict[str, ConnectionInfo], ...] = tuple({} for _ in range(slots))
        self._step = seconds / slots
        self._began = now
        self._turned = 0  # slots passed since the beginning

    @property
    def next_at(self) -> float:
        """When the next slot is due, in the clock's monotonic seconds."""
        return self._began + (self._turned + 1) * self._step

    def put(self, info: ConnectionInfo) -> None:
        """Have a connection come round, in place of what was known of it."""
        self._slot(info.connection_id)[info.connection_id] = info

    def discard(self, connection_id: str) -> None:
        """Forget a connection; an unknown one is no error."""
        self._slot(connection_id).pop(connection_id, None)

    def due(self, now: float) -> list[ConnectionInfo]:
        """Turn to ``now`` and return what came round, each connection at most once."""
        behind = int((now - self._began) / self._step) - self._turned
        if behind <= 0:
            return []
        first, size = self._turned, len(self._slots)
        self._turned += behind
        passed = range(first, first + min(behind, size))
        return [info for at in passed for info in self._slots[at % size].values()]

    def _slot(self, connection_id: str) -> dict[str, ConnectionInfo]:
        return self._slots[hash(connection_id) % len(self._slots)]


class PresenceKeeper:
    """Tells the store what happens, in batches, from one task; tries again while it is away.

    `joined`, `left`, `changed` and `touch` are for the data path: they never block or raise, and
    keep one pending change for each connection, its last, however long the store is away.
    """

    def __init__(
        self,
        presence: Presence,
        *,
        metrics: Metrics,
        log: FilteringBoundLogger,
        clock: Clock,
        call_seconds: float = 10.0,
        pacing: Pacing | None = None,
    ) -> None:
        """Prepare; nothing is written before `run`.

        Args:
            presence: The store; its ``refresh_seconds`` is read here, once.
            metrics: Where failures are counted.
            log: Where they are logged.
            clock: The time.
            call_seconds: How long one call of the store may take before it counts as failed.
            pacing: How fast a failing store is tried again.
        """
        self._calls: dict[Call, Callable[[Sequence[ConnectionInfo]], Awaitable[None]]] = {
            "joined": presence.joined,
            "left": presence.left,
            "refresh": presence.refresh,
        }
        self._failures = metrics.presence_failures
        self._log = log
        self._clock = clock
        self._call_seconds = call_seconds
        self._pacing = pacing or Pacing()
        seconds = presence.refresh_seconds
        self._wheel = None if seconds is None else RefreshWheel(seconds * HASTE, clock.monotonic())
        self._pending: OrderedDict[str, Change] = OrderedDict()
        self._writing = False
        self._batch = BATCH
        self._pauses: Pauses | None = None  # there while the store fails
        self._untold = 0
        self._told = False
        self._told_at = float("-inf")
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._hurry = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many changes are not with the store yet."""
        return len(self._pending)

    def joined(self, info: ConnectionInfo) -> None:
        """Note a connection that was opened."""
        self._note(Change("joined", info, known=False))

    def changed(self, info: ConnectionInfo) -> None:
        """Note a connection whose subjects changed."""
        before = self._pending.get(info.connection_id)
        self._note(Change("joined", info, known=before is None or before.known))

    def left(self, info: ConnectionInfo) -> None:
        """Note a connection that is gone; one the store never heard of costs no call."""
        if self._wheel is not None:
            self._wheel.discard(info.connection_id)
        before = self._pending.get(info.connection_id)
        if before is not None and not before.known:
            del self._pending[info.connection_id]
        else:
            self._pending[info.connection_id] = Change("left", info, known=True)
            self._wake.set()

    def touch(self, info: ConnectionInfo) -> None:
        """Note a sign of life: the connection is refreshed with the next batch."""
        if info.connection_id not in self._pending:
            self._pending[info.connection_id] = Change("refresh", info, known=True)
            self._wake.set()

    async def run(self) -> None:
        """Write until cancelled; what was under way then is kept for a later `run`.

        Raises nothing by itself. Only one may run at a time.
        """
        while True:
            if not self._pending:
                await self._sleep()
            if self._wheel is not None:
                for info in self._wheel.due(self._clock.monotonic()):
                    self.touch(info)
            if self._pending and not await self._write():
                await self._pause()

    async def flush(self, seconds: float) -> bool:
        """Wait until all that is pending now or meanwhile is written; needs `run` to be running.

        Args:
            seconds: How long to wait at most.

        Returns:
            Whether everything is written.
        """
        with anyio.move_on_after(seconds):
            while self._pending or self._writing:
                self._hurry.set()
                self._idle.clear()
                await self._idle.wait()
        return not (self._pending or self._writing)

    def _note(self, change: Change) -> None:
        if self._wheel is not None:
            self._wheel.put(change.info)
        self._pending[change.info.connection_id] = change
        self._wake.set()

    async def _sleep(self) -> None:
        """Wait for something to happen, or for the wheel."""
        self._idle.set()
        self._wake.clear()
        limit = None
        if self._wheel is not None:
            limit = max(0.0, self._wheel.next_at - self._clock.monotonic())
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._wake.wait()

    async def _write(self) -> bool:
        """Take one batch and write it; ``False``: some of it is pending again."""
        taken = [
            self._pending.popitem(last=False)[1]
            for _ in range(min(self._batch, len(self._pending)))
        ]
        left = {call: [one for one in taken if one.call == call] for call in CALLS}
        self._writing = True
        try:
            for call in CALLS:
                if left[call]:
                    await self._call(call, [one.info for one in left[call]])
                    left[call] = []
            await asyncio.sleep(0)  # a store in memory must not keep the loop to itself
        except (Exception, asyncio.CancelledError) as error:
            if is_cancelled():
                raise
            self._failed(call, error)
            return False
        else:
            self._succeeded()
            return True
        finally:
            self._writing = False
            self._put_back(one for call in CALLS for one in left[call])

    async def _call(self, call: Call, batch: Sequence[ConnectionInfo]) -> None:
        with anyio.fail_after(self._call_seconds):
            await self._calls[call](batch)

    def _put_back(self, changes: Iterable[Change]) -> None:
        """Keep changes that were not written, unless something newer is known."""
        for change in changes:
            newer = self._pending.get(change.info.connection_id)
            if newer is None or newer.call == "refresh":
                self._pending[change.info.connection_id] = change._replace(known=True)

    def _failed(self, call: Call, error: BaseException) -> None:
        self._failures.labels(call).inc()
        self._batch = max(1, self._batch // 2)  # so that one bad record cannot hold up the others
        self._pauses = self._pauses or Pauses(self._pacing, self._clock)
        self._untold += 1
        now = self._clock.monotonic()
        if now - self._told_at >= LOG_SECONDS:
            self._log.warning(
                "presence store fails", call=call, failures=self._untold, error=describe(error)
            )
            self._told, self._told_at, self._untold = True, now, 0
        self._log.debug("presence store raised", call=call, exc_info=error)

    def _succeeded(self) -> None:
        self._batch = min(BATCH, self._batch * 2)
        self._pauses = None
        if self._told:
            self._log.info("presence store works again", failures=self._untold)
            self._told, self._untold = False, 0

    async def _pause(self) -> None:
        """Wait before the next try; `flush` cuts it short, once."""
        pauses = self._pauses or Pauses(self._pacing, self._clock)
        with anyio.move_on_after(pauses.following()):
            await self._hurry.wait()
            self._hurry.clear()
            self._pauses = None
