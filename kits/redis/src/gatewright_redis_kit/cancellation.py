"""Cancellations that a client swallowed."""

from __future__ import annotations

import asyncio

__all__ = ["Cancellation"]


class Cancellation:
    """Notices that the current task was cancelled though nothing was raised.

    redis-py sends through `asyncio.wait_for`, which up to Python 3.11 loses a cancellation that
    arrives together with its result. A loop over such calls would then go on for ever. anyio's
    cancel scopes ask again and again, `asyncio.Task.cancel` asks once.
    """

    __slots__ = ("_before", "_task")

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._before = self._count()

    def check(self) -> None:
        """Raise what was swallowed since this object was made.

        Raises:
            asyncio.CancelledError: The task was cancelled.
        """
        if self._count() > self._before:
            raise asyncio.CancelledError

    def _count(self) -> int:
        return 0 if self._task is None else self._task.cancelling()
