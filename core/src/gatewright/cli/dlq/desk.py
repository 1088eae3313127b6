"""Opens the configured dead letter store and event sinks, beside a gateway that may be running."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from gatewright.cli.dlq.attempts import NamedSink
from gatewright.cli.dlq.shared import NoSuchLetter
from gatewright.cli.options import state_directory
from gatewright.config.load import load_config
from gatewright.config.result import Config, Selected
from gatewright.logs import configure_logging, get_logger
from gatewright.metrics import Metrics
from gatewright.model import StoredDeadLetter
from gatewright.plugin.context import ServerInfo
from gatewright.plugin.host import Hosts, Surroundings
from gatewright.plugin.protocols import DeadLetterStore
from gatewright.plugin.settings import SinkSettings

__all__ = ["Desk", "at_desk"]

PAGE: Final = 500
NODE_ID: Final = "dlq"
FILE_STORE: Final = "file"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where dead letters are worked on.

    Attributes:
        store: The open store.
        config: The configuration.
        hosts: What is open; opens more.
        file: Where the local file store keeps its letters; ``None`` for every other store.
    """

    store: DeadLetterStore
    config: Config
    hosts: Hosts
    file: Path | None = None

    async def letters(self) -> AsyncIterator[StoredDeadLetter]:
        """Yield every dead letter in the order of writing, those written meanwhile included."""
        after: str | None = None
        while page := await self.store.read(after, PAGE):
            for record in page:
                yield record
            after = page[-1].key

    async def find(self, keys: Sequence[str]) -> list[StoredDeadLetter]:
        """Return the dead letters under ``keys``, in the order of writing.

        Raises:
            NoSuchLetter: Some are not there.
        """
        wanted = set(keys)
        found = [record async for record in self.letters() if record.key in wanted]
        if missing := wanted - {record.key for record in found}:
            raise NoSuchLetter(sorted(missing))
        return found

    async def open_sinks(self) -> dict[str, NamedSink]:
        """Open every event sink in use and return them by name.

        Raises:
            StartError: One does not open.
        """
        sinks: dict[str, NamedSink] = {}
        for selected in self.config.plugins["events"]:
            host = await self.hosts.open(selected)
            host.start()
            assert isinstance(selected.settings, SinkSettings)  # noqa: S101 - loading sees to it
            sinks[selected.name] = NamedSink(host.backend, selected.settings)
        return sinks


def at_desk(file: Path, work: Callable[[Desk], Awaitable[T]], *, last_resort: bool) -> T:
    """Open the store that ``file`` names, do ``work``, and close everything again.

    Args:
        file: The configuration.
        work: What to do.
        last_resort: Take the local file behind the store instead.

    Raises:
        OperatorError: The configuration is wrong, or a plugin does not open.
    """
    return asyncio.run(_work(load_config(file), work, last_resort=last_resort))


async def _work(config: Config, work: Callable[[Desk], Awaitable[T]], *, last_resort: bool) -> T:
    configure_logging("warning", "console")
    selected = config.one("dead_letters")
    if last_resort and config.last_resort is not None:
        selected = config.last_resort
    async with Hosts(_surroundings(config)) as hosts:
        host = await hosts.open(selected)
        host.start()
        return await work(Desk(host.backend, config, hosts, _file(selected)))


def _file(selected: Selected) -> Path | None:
    path = getattr(selected.settings, "path", None)
    return path if selected.plugin == FILE_STORE and isinstance(path, Path) else None


def _surroundings(config: Config) -> Surroundings:
    server = config.core.server
    return Surroundings(
        log=get_logger(),
        metrics=Metrics(),
        node_id=NODE_ID,
        open_seconds=server.open_seconds,
        server=ServerInfo(
            path=server.path,
            separate_internal=server.internal_bind is not None,
            state_directory=state_directory(),
        ),
    )
