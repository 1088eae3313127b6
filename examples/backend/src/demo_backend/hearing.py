"""How events come from a broker, while the application runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from gatewright_sdk import Events, Settings, consumer_of

__all__ = ["consuming"]


@asynccontextmanager
async def consuming(
    events: Events[str], settings: Settings, failed: Callable[[BaseException], None]
) -> AsyncIterator[None]:
    """Consume from a broker, where events come from one; at the end, finish what is under way.

    Args:
        events: Who is told.
        settings: Where they come from.
        failed: Called once with the reason where the broker will not have it.
    """
    consumer = consumer_of(events, settings)
    if consumer is None:
        yield
        return

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            failed(error)

    running = asyncio.create_task(consumer.run())
    running.add_done_callback(ended)
    try:
        yield
    finally:
        consumer.stop()
        try:
            await asyncio.wait([running])
        finally:
            running.cancel()
