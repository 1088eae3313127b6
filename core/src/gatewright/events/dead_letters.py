"""Writes dead letters down: to the store the operator chose, else to the local file."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio

from gatewright.clock import Clock, SystemClock
from gatewright.events.throttle import Throttle
from gatewright.metrics import Metrics
from gatewright.model import DeadLetter, Health
from gatewright.plugin.protocols import DeadLetterStore

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = ["DeadLetterWriter", "NamedStore"]

_OVERHEAD: Final = 1024
_BATCH_LETTERS: Final = 1000
_BATCH_BYTES: Final = 4 * 1024 * 1024
_DEADLINE: Final = 5.0
_COOL_DOWN: Final = 10.0
_SHORTEST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0


@dataclass(frozen=True, slots=True)
class NamedStore:
    """A dead letter store that is open, and its name in the YAML."""

    name: str
    store: DeadLetterStore


class DeadLetterWriter:
    """Takes dead letters without waiting and writes them in batches, in order.

    A batch that the chosen store does not take within 5 seconds goes to the fallback at once, and
    so do those of the next 10 seconds. Where the fallback fails too, letters stay in memory, up to
    ``max_bytes``, and are tried again; what does not fit is lost, counted as ``lost`` and logged.

    Args:
        chosen: The store the operator chose.
        fallback: The local file; may be the same store as ``chosen``.
        max_bytes: Letters that may wait in memory. More than ``lanes.total_bytes``, for all lanes
            may spill at once when the gateway stops.
        metrics: Counts letters by store and result: ``written``, ``failed`` (each failed try of
            each letter) and ``lost`` (store ``memory``).
        log: Says when a store stops or starts taking letters, and what is lost.
        clock: The time.
    """

    def __init__(
        self,
        chosen: NamedStore,
        fallback: NamedStore,
        *,
        metrics: Metrics,
        log: FilteringBoundLogger,
        max_bytes: int = 128 * 1024 * 1024,
        clock: Clock | None = None,
    ) -> None:
        self._stores = (chosen,) if chosen.store is fallback.store else (chosen, fallback)
        self._counter = metrics.dead_letters
        self._log = log
        self._max_bytes = max_bytes
        self._monotonic = (clock or SystemClock()).monotonic
        self._letters: deque[DeadLetter] = deque()
        self._bytes = 0
        self._writing = anyio.Lock()
        self._news = anyio.Event()
        self._skip_until: dict[str, float] = {}
        self._failing: dict[str, str] = {}
        self._throttle = Throttle()
        self._lost = 0

    @property
    def waiting(self) -> int:
        """How many letters are not written yet."""
        return len(self._letters)

    @property
    def lost(self) -> int:
        """How many letters could not be kept."""
        return self._lost

    def put(self, letter: DeadLetter) -> None:
        """Take a letter. Never blocks, never raises; works before and after `run` too."""
        size = _size(letter)
        if self._bytes + size > self._max_bytes:
            self._lose(1, "memory for dead letters is full and no store takes them")
            return
        self._letters.append(letter)
        self._bytes += size
        self._news.set()

    async def run(self) -> None:
        """Write until cancelled; what is not written then waits for `flush`."""
        pause = _SHORTEST_PAUSE
        while True:
            if not self._letters:
                self._news = anyio.Event()
                await self._news.wait()
            if await self._write_batch():
                pause = _SHORTEST_PAUSE
            else:
                await anyio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def flush(self, seconds: float) -> bool:
        """Write what waits, for at most ``seconds``; return whether all is written.

        Works beside `run` and after it. What is not written then is lost with the process, unless
        `run` goes on; it is logged.
        """
        with anyio.move_on_after(seconds):
            while self._letters:
                if not await self._write_batch():
                    await anyio.sleep(_SHORTEST_PAUSE)
        if self._letters:
            self._log.error("dead letters are not written", letters=len(self._letters))
        return not self._letters

    def health(self) -> Health:
        """Return how writing goes: not ready while letters wait that no store takes."""
        facts = {"waiting": len(self._letters), "lost": self._lost}
        if not self._failing:
            return Health(ready=True, facts=facts)
        detail = "; ".join(f"{name} takes none: {why}" for name, why in self._failing.items())
        return Health(len(self._failing) < len(self._stores), detail, facts)

    async def _write_batch(self) -> bool:
        """Write the oldest letters somewhere; ``False``: nothing took them."""
        async with self._writing:
            batch = self._batch()
            if not batch:
                return True
            for number, store in enumerate(self._stores, start=1):
                last = number == len(self._stores)
                if not last and self._monotonic() < self._skip_until.get(store.name, 0.0):
                    continue
                if await self._put(store, batch):
                    for letter in batch:
                        self._letters.popleft()
                        self._bytes -= _size(letter)
                    return True
            return False

    def _batch(self) -> list[DeadLetter]:
        batch: list[DeadLetter] = []
        size = 0
        for letter in self._letters:
            size += _size(letter)
            if batch and (len(batch) == _BATCH_LETTERS or size > _BATCH_BYTES):
                break
            batch.append(letter)
        return batch

    async def _put(self, store: NamedStore, batch: list[DeadLetter]) -> bool:
        try:
            with anyio.fail_after(_DEADLINE):
                await store.store.put(batch)
        except Exception as error:  # noqa: BLE001 - whatever a store raises, its letters stay
            self._counter.labels(store.name, "failed").inc(len(batch))
            self._failed(store.name, error)
            return False
        self._counter.labels(store.name, "written").inc(len(batch))
        if self._failing.pop(store.name, None) is not None:
            self._log.info("dead letter store works again", store=store.name)
        return True

    def _failed(self, name: str, error: Exception) -> None:
        late = isinstance(error, TimeoutError) and not str(error)
        why = f"no answer within {_DEADLINE:g} s" if late else _named(error)
        self._skip_until[name] = self._monotonic() + _COOL_DOWN
        if name not in self._failing:
            self._log.error("dead letter store fails", store=name, error=why)
        self._failing[name] = why

    def _lose(self, number: int, why: str) -> None:
        self._lost += number
        self._counter.labels("memory", "lost").inc(number)
        if times := self._throttle.count(why, self._monotonic()):
            self._log.error("dead letters are lost", letters=times, error=why)


def _size(letter: DeadLetter) -> int:
    return len(letter.payload) + _OVERHEAD


def _named(error: Exception) -> str:
    """Name an error; the text is kept only of the system's own, which holds no secret."""
    name = type(error).__name__
    return f"{name}: {error.strerror}" if isinstance(error, OSError) and error.strerror else name
