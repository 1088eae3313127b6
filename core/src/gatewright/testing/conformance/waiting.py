"""Waits for what a backend does, and not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import pytest

__all__ = ["SECONDS", "until", "within"]

T = TypeVar("T")

SECONDS: Final = 30.0
"""Far longer than anything takes that works, on a busy machine too."""

PAUSE: Final = 0.01


async def within(awaited: Awaitable[T], seconds: float = SECONDS) -> T:
    """Return what comes of something that must end soon."""
    async with asyncio.timeout(seconds):
        return await awaited


async def until(condition: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
    """Wait until something holds; fail, and say ``what`` did not come."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not condition():
        if loop.time() > deadline:
            pytest.fail(f"in {seconds:.0f} seconds: {what}")
        await asyncio.sleep(PAUSE)
