"""The bus of a gateway with one node: what is published is delivered on the spot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio

from gatewright import (
    BusUnavailable,
    Command,
    Deliver,
    Factory,
    Health,
    NoSettings,
    PluginContext,
    Publication,
    Receipt,
    hookimpl,
)

__all__ = ["GATEWRIGHT_API", "MemoryBus", "gatewright_bus"]

GATEWRIGHT_API: Final = (1, 0)


class MemoryBus:
    """Reaches this node alone. Open for messages while it runs."""

    __slots__ = ("_deliver",)

    def __init__(self) -> None:
        self._deliver: Deliver | None = None

    async def publish(self, message: Publication | Command, *, count: bool) -> Receipt:
        """Deliver ``message`` before returning; never waits.

        Raises:
            BusUnavailable: The bus does not run.
        """
        if self._deliver is None:
            reason = "the bus is not running"
            raise BusUnavailable(reason)
        sent = self._deliver(message)
        return Receipt(sent if count else None)

    async def run(self, deliver: Deliver) -> None:
        """Be open until cancelled."""
        self._deliver = deliver
        try:
            await anyio.sleep_forever()
        finally:
            self._deliver = None

    def health(self) -> Health:
        """Tell whether the bus runs."""
        if self._deliver is None:
            return Health(ready=False, detail="not running")
        return Health(ready=True)


@asynccontextmanager
async def _open(_settings: NoSettings, _context: PluginContext) -> AsyncIterator[MemoryBus]:
    yield MemoryBus()


@hookimpl
def gatewright_bus() -> Factory[NoSettings, MemoryBus]:
    """Declare the bus of a single node."""
    return Factory(settings=NoSettings, open=_open, summary="Reaches this node alone.")
