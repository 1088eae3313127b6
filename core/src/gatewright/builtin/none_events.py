"""The event sink for gateways whose backend does not want events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Final

from pydantic import Field, PositiveInt

from gatewright import (
    Done,
    Event,
    EventSink,
    Factory,
    Outcome,
    PluginContext,
    SinkSettings,
    hookimpl,
)

__all__ = ["GATEWRIGHT_API", "NoneSettings", "NoneSink", "gatewright_events"]

GATEWRIGHT_API: Final = (1, 0)

_DONE: Final = Done()


class NoneSettings(SinkSettings):
    """``events.none``: nothing leaves the gateway."""

    concurrency: Annotated[PositiveInt, Field(description="Attempts under way at once.")] = 1
    batch: Annotated[PositiveInt, Field(description="Events handed over in one attempt.")] = 256


class NoneSink:
    """Takes every event and does nothing with it."""

    async def send(self, batch: Sequence[Event]) -> Sequence[Outcome]:
        """Take the batch; never waits, never fails."""
        return [_DONE] * len(batch)


@asynccontextmanager
async def _open(settings: NoneSettings, context: PluginContext) -> AsyncIterator[NoneSink]:  # noqa: ARG001 - what every factory gets
    yield NoneSink()


@hookimpl
def gatewright_events() -> Factory[NoneSettings, EventSink]:
    """Declare the sink that drops events on purpose."""
    return Factory(settings=NoneSettings, open=_open, summary="no events leave the gateway")
