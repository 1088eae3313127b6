"""The ``redis`` bus: what every bus does, over a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from gatewright import Command, Deliver, Health, PluginContext, Publication, Receipt
from gatewright_bus_kit import BusCore
from gatewright_bus_redis.link import StreamLink
from gatewright_bus_redis.settings import RedisBusSettings
from gatewright_redis_kit import Connection, StreamReader

__all__ = ["RedisBus", "open_bus"]

_BLOCK_SECONDS: Final = 2.0


class RedisBus:
    """Reaches all nodes that share the stream."""

    def __init__(self, core: BusCore, link: StreamLink, reader: StreamReader, shown: str) -> None:
        self._core = core
        self._link = link
        self._reader = reader
        self._shown = shown

    async def publish(self, message: Publication | Command, *, count: bool) -> Receipt:
        """Add ``message`` to the stream; see `BusCore.publish`.

        Raises:
            BusUnavailable: Redis did not accept it in time; retry with the same id.
        """
        return await self._core.publish(message, count=count)

    async def run(self, deliver: Deliver) -> None:
        """Read the stream and give this node's copies to ``deliver`` until cancelled.

        Raises:
            ConnectionError: Or the like; started again, it goes on where it was.
        """
        await self._core.run(deliver, self._link)

    def health(self) -> Health:
        """Tell whether messages come round, who else is there, and what was lost."""
        return self._core.health(facts={"redis": self._shown, "cursor": self._reader.cursor})


@asynccontextmanager
async def open_bus(settings: RedisBusSettings, context: PluginContext) -> AsyncIterator[RedisBus]:
    """Yield the bus and close its clients afterwards. Connects to nothing yet.

    Raises:
        UnusableCertificates: A file that the DSN names cannot be used.
    """
    connection = Connection.parse(settings.dsn)
    context.step("reading certificates")
    connection.check()
    async with AsyncExitStack() as stack:
        reader = StreamReader(
            connection, settings.stream, block_seconds=_BLOCK_SECONDS, clock=context.clock
        )
        stack.push_async_callback(reader.close)
        # Half of the time, so that a connection which went silent leaves time for another one.
        commands = connection.commands(timeout=settings.publish_seconds / 2)
        stack.push_async_callback(commands.aclose)
        core = BusCore(context, publish_timeout=settings.publish_seconds)
        stack.callback(core.close)

        def gap(what: str, times: int) -> None:
            core.gap(what, times=times)

        link = StreamLink(
            reader, commands, stream=settings.stream, max_length=settings.max_length, gap=gap
        )
        yield RedisBus(core, link, reader, connection.shown)
