"""Things that are started side by side."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager


@asynccontextmanager
async def side_by_side(*managers):
    """Enter all of them at once, and leave all of them at once."""
    over = asyncio.Event()

    async def hold(manager, entered):
        try:
            async with manager as value:
                entered.set_result(value)
                await over.wait()
        except BaseException as error:
            if entered.done():
                raise
            entered.set_exception(error)

    entered = [asyncio.get_running_loop().create_future() for _ in managers]
    holding = [asyncio.create_task(hold(*pair)) for pair in zip(managers, entered, strict=True)]
    try:
        yield await asyncio.gather(*entered)
    finally:
        over.set()
        await asyncio.gather(*holding)
