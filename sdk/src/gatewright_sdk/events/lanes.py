"""Work in the order of its key, different keys side by side."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

__all__ = ["Job", "Lanes"]

Job = Callable[[], Awaitable[bool]]
"""Returns whether its lane goes on; otherwise what waits behind it is forgotten."""


class Lanes:
    """A lane for each key that has work: one job of a lane at a time, in the order they came.

    For one event loop. A job that raises ends its lane and is told by `failed`.

    Attributes:
        slots: What a job holds while it works; so many hold one at once.
        failed: Done with the first exception of a job.
    """

    def __init__(self, concurrency: int) -> None:
        self.slots = asyncio.Semaphore(concurrency)
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lanes: dict[str, deque[tuple[object, Job]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._paused: set[str] = set()
        self._changed = asyncio.Event()
        self._size = 0

    @property
    def parked(self) -> int:
        """How many jobs are in lanes that are paused."""
        return sum(len(self._lanes[key]) for key in self._paused)

    @property
    def ready(self) -> int:
        """How many jobs run, or wait for a job that runs."""
        return self._size - self.parked

    def add(self, key: str, tag: object, job: Job) -> None:
        """Put a job at the end of a lane; ``tag`` names it to `drop_waiting`."""
        lane = self._lanes.get(key)
        self._size += 1
        if lane is not None:
            lane.append((tag, job))
            return
        self._lanes[key] = deque([(tag, job)])
        task = asyncio.create_task(self._drive(key))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    @contextmanager
    def paused(self, key: str) -> Iterator[None]:
        """Mark a lane as waiting: it does not count as `ready` meanwhile."""
        self._paused.add(key)
        self._changed.set()
        try:
            yield
        finally:
            self._paused.discard(key)

    def drop_waiting(self) -> list[object]:
        """Forget the jobs that have not begun; return their tags."""
        dropped: list[object] = []
        for lane in self._lanes.values():
            while len(lane) > 1:
                dropped.append(lane.pop()[0])
        self._size -= len(dropped)
        self._changed.set()
        return dropped

    async def changed(self, seconds: float) -> None:
        """Wait until a job has ended or a lane has paused, or so many seconds."""
        self._changed.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def finish(self, seconds: float) -> bool:
        """Wait for all jobs; return whether none is left after so many seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        return not self._tasks

    async def cancel(self) -> None:
        """Cancel all jobs, and wait until they have ended."""
        for lane in self._lanes.values():
            while len(lane) > 1:
                lane.pop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _drive(self, key: str) -> None:
        lane = self._lanes[key]
        try:
            while lane:
                goes_on = await lane[0][1]()
                if not goes_on:
                    break
                lane.popleft()
                self._size -= 1
                self._changed.set()
        finally:
            self._size -= len(lane)
            del self._lanes[key]

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._changed.set()
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not self.failed.done():
            self.failed.set_exception(error)
