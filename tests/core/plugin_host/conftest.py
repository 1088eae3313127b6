"""A plugin to host, written inline by each test, and the surroundings it is hosted in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import pytest
import structlog
from structlog.testing import LogCapture

from gatewright import Factory, Kind, NoSettings
from gatewright.metrics import Metrics
from gatewright.plugin.host import Surroundings
from gatewright.plugin.supervisor import Pacing


@dataclass(frozen=True)
class Chosen:
    """What a configuration chose."""

    factory: Factory[Any, Any]
    name: str = "acme"
    kind: Kind = "transport"
    distribution: str = "gatewright-acme 1.0"
    settings: NoSettings = field(default_factory=NoSettings)


def chosen(open_: Callable[..., Any], name: str = "acme", needs: frozenset[Any] = frozenset()):
    return Chosen(Factory(settings=NoSettings, open=open_, summary="a test", needs=needs), name)


class FakeClock:
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class Told(LogCapture):
    """A log to look into and to wait for."""

    def __init__(self) -> None:
        super().__init__()
        self._awaited: dict[str, asyncio.Event] = {}

    def __call__(self, logger: Any, method_name: str, event_dict: Any) -> Any:
        self._event(event_dict["event"]).set()
        return super().__call__(logger, method_name, event_dict)

    async def heard(self, event: str) -> None:
        with anyio.fail_after(5):
            await self._event(event).wait()

    def _event(self, name: str) -> asyncio.Event:
        return self._awaited.setdefault(name, asyncio.Event())


@pytest.fixture
def log() -> Told:
    return Told()


@pytest.fixture
def surroundings(log: Told, clock: FakeClock) -> Surroundings:
    return Surroundings(
        log=structlog.wrap_logger(None, processors=[log]),
        metrics=Metrics(),
        node_id="gw-1",
        open_seconds=5.0,
        clock=clock,
        pacing=Pacing(first=0.005, early=0.005, longest=0.005),
    )


@pytest.fixture
def impatient(surroundings: Surroundings) -> Surroundings:
    return replace(surroundings, open_seconds=0.05)


@pytest.fixture
def choose() -> Callable[..., Chosen]:
    return chosen
