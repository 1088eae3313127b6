"""Opens dead letters and where they go again, beside a gateway that may be running."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from gatewright.cli.dlq.attempts import NamedSink
from gatewright.cli.dlq.shared import NoSuchLetter, Place
from gatewright.cli.dlq.transports import Transports, store_of
from gatewright.cli.options import state_directory
from gatewright.config.load import load_config
from gatewright.config.result import Config, Selected
from gatewright.logs import configure_logging, get_logger
from gatewright.metrics import Metrics
from gatewright.model import StoredDeadLetter
from gatewright.plugin.context import ServerInfo
from gatewright.plugin.host import Hosts, Surroundings
from gatewright.plugin.protocols import DeadLetterStore, Resends
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
        transports: Opens transports.
        file: Where the local file store keeps its letters; ``None`` for every other store.
        source: The transport whose own dead letters these are, or ``None``.
    """

    store: DeadLetterStore
    config: Config
    hosts: Hosts
    transports: Transports
    file: Path | None = None
    source: str | None = None

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

    async def resender(self, target: str) -> Resends | None:
        """Return what sends the publications of ``target`` once more; ``None``: nothing can.

        A transport's own dead letters all go back to it.

        Raises:
            StartError: The transport does not open.
        """
        return await self.transports.resender(self.source or target)


def at_desk(file: Path, work: Callable[[Desk], Awaitable[T]], place: Place) -> T:
    """Open the store that ``place`` chooses, do ``work``, and close everything again.

    Args:
        file: The configuration.
        work: What to do.
        place: Which dead letters of those that the configuration names.

    Raises:
        OperatorError: The configuration is wrong, or a plugin does not open, or there is no such
            place.
    """
    return asyncio.run(_work(load_config(file), work, place))


async def _work(config: Config, work: Callable[[Desk], Awaitable[T]], place: Place) -> T:
    configure_logging("warning", "console")
    async with Hosts(_surroundings(config)) as hosts:
        return await work(await _desk(config, hosts, place))


async def _desk(config: Config, hosts: Hosts, place: Place) -> Desk:
    transports = Transports(config, hosts)
    if place.source is not None:
        name, transport = await transports.named(place.source)
        return Desk(store_of(name, transport), config, hosts, transports, source=name)
    selected = config.one("dead_letters")
    if place.last_resort and config.last_resort is not None:
        selected = config.last_resort
    host = await hosts.open(selected)
    host.start()
    return Desk(host.backend, config, hosts, transports, _file(selected))


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
