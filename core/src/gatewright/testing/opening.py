"""Opens one plugin as a gateway would, around nothing but doubles."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog

from gatewright.clock import Clock, SystemClock
from gatewright.metrics import Metrics
from gatewright.plugin import opening
from gatewright.plugin.factory import Factory
from gatewright.plugin.host import Host, Hosts
from gatewright.plugin.settings import Settings
from gatewright.plugin.spec import Kind
from gatewright.testing.doubles import Surroundings

__all__ = ["Around", "Chosen", "opened"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A plugin as a configuration would choose it."""

    kind: Kind
    factory: Factory[Any, Any]
    settings: Settings
    name: str = "subject"
    distribution: str = "subject 0"


@dataclass(frozen=True, slots=True)
class Around:
    """Where a plugin is opened.

    Attributes:
        gateway: What it is given for its factory's ``needs``.
        node_id: The node's name.
        clock: Its time.
        open_seconds: How long opening, stopping and closing may take, each.
        metrics: The registry it may add to.
    """

    gateway: Surroundings = field(default_factory=Surroundings)
    node_id: str = "node-1"
    clock: Clock = field(default_factory=SystemClock)
    open_seconds: float = 20.0
    metrics: Metrics = field(default_factory=Metrics)


@asynccontextmanager
async def opened(
    kind: Kind,
    factory: Factory[Any, Any],
    options: Mapping[str, Any],
    around: Around | None = None,
) -> AsyncIterator[Host[Any]]:
    """Open a plugin and yield its host, whose ``backend`` it is; close it at the end.

    ``run`` is not started: ``host.start()`` does that, as a gateway would once it listens.

    Args:
        kind: The plugin's kind.
        factory: What its hook returns.
        options: Its options, as they would stand in the YAML.
        around: Where it is opened; by default among doubles of its own.

    Raises:
        pydantic.ValidationError: The options are no good.
        StartError: It did not open.
    """
    around = around or Around()
    chosen = Chosen(kind, factory, factory.settings.model_validate(dict(options)))
    surroundings = opening.Surroundings(
        log=structlog.get_logger(),
        metrics=around.metrics,
        node_id=around.node_id,
        clock=around.clock,
        open_seconds=around.open_seconds,
    )
    async with Hosts(surroundings) as hosts:
        host = await hosts.open(chosen, provided=around.gateway.provided)
        opening.check_backend(chosen, host.backend)
        yield host
        await hosts.close()
        assert not hosts.abandoned, f"{hosts.abandoned}: a task of it hangs and was left behind"
