"""Time limits around calls of the client, and the client's ways of saying that it is gone."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from gatewright_rabbitmq_kit.errors import ConnectionLost

__all__ = ["Deadline"]


class Deadline:
    """``async with Deadline(5.0):`` around calls of the client.

    The client tells waiting callers of the end of a connection by a `asyncio.CancelledError` that
    nobody asked for, or by a `RuntimeError`: both come out as `ConnectionLost`. A real
    cancellation stays one.

    Raises:
        TimeoutError: It took longer.
        ConnectionLost: The connection or the channel ended meanwhile.
    """

    __slots__ = ("_seconds", "_timeout")

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._timeout = asyncio.timeout(seconds)

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._timeout.__aexit__(kind, error, traceback)
        except TimeoutError:
            message = f"no answer within {self._seconds:g} s"
            raise TimeoutError(message) from None
        if isinstance(error, asyncio.CancelledError):
            task = asyncio.current_task()
            if task is not None and not task.cancelling():
                message = "the connection ended"
                raise ConnectionLost(message) from error
        if isinstance(error, RuntimeError):
            message = "the connection or channel is closed"
            raise ConnectionLost(message) from error
