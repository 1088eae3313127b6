"""A word for "finish now" that everything which waits can hear."""

from __future__ import annotations

import asyncio

__all__ = ["Stopping"]


class Stopping:
    """Whether the transport is asked to stop; one for each run."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def __bool__(self) -> bool:
        return self._event.is_set()

    def set(self) -> None:
        """Ask to stop."""
        self._event.set()

    async def pause(self, seconds: float) -> None:
        """Wait, but no longer than until it is asked to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return
