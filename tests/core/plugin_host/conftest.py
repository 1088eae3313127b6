"""A plugin to host, written inline by each test, and the surroundings it is hosted in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

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


@pytest.fixture
def log() -> LogCapture:
    return LogCapture()


@pytest.fixture
def surroundings(log: LogCapture, clock: FakeClock) -> Surroundings:
    return Surroundings(
        log=structlog.wrap_logger(None, processors=[log]),
        metrics=Metrics(),
        node_id="gw-1",
        open_seconds=0.05,
        clock=clock,
        pacing=Pacing(first=0.005, early=0.005, longest=0.005),
    )


@pytest.fixture
def choose() -> Callable[..., Chosen]:
    return chosen
