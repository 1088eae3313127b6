"""An event sink: every event becomes a line of a file."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from gatewright import Done, Event, Factory, Outcome, PluginContext, SinkSettings, hookimpl

GATEWRIGHT_API = (1, 0)


class LinesSettings(SinkSettings):
    """The options: ``path``, and those of every sink."""

    path: Path


class LinesSink:
    """Appends to one open file."""

    def __init__(self, file: anyio.AsyncFile[bytes]) -> None:
        self.file = file

    async def send(self, batch: Sequence[Event]) -> Sequence[Outcome]:
        """Write the batch; what is raised here, such as a full disk, is tried again."""
        await self.file.write(b"".join(event.body + b"\n" for event in batch))
        await self.file.flush()
        return [Done()] * len(batch)


@asynccontextmanager
async def open_sink(settings: LinesSettings, _context: PluginContext) -> AsyncIterator[LinesSink]:
    """Open the file, and close it when the gateway ends."""
    async with await anyio.open_file(settings.path, "ab") as file:
        yield LinesSink(file)


@hookimpl
def gatewright_events() -> Factory[LinesSettings, LinesSink]:
    """Declare the sink."""
    return Factory(settings=LinesSettings, open=open_sink, summary="events as lines of a file")
