"""``open`` takes other settings than the factory states, and reads an option that is not there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from gatewright import Done, Event, EventSink, Factory, Outcome, PluginContext, SinkSettings


class LinesSettings(SinkSettings):
    path: str


class OtherSettings(SinkSettings):
    url: str


class Sink:
    async def send(self, batch: Sequence[Event]) -> Sequence[Outcome]:
        return [Done()] * len(batch)


@asynccontextmanager
async def open_sink(settings: OtherSettings, _context: PluginContext) -> AsyncIterator[Sink]:
    print(settings.uri)  # wrong: mypy[attr-defined] pyright[reportAttributeAccessIssue]
    yield Sink()


def gatewright_events() -> Factory[LinesSettings, EventSink]:
    return Factory(
        settings=LinesSettings,
        open=open_sink,  # wrong: mypy[arg-type] pyright[reportArgumentType]
        summary="x",
    )
