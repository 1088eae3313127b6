"""A real gateway in the test's own process: real sockets, real HTTP, on a free port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import structlog
import yaml
from prometheus_client import CollectorRegistry
from websockets.asyncio.client import connect as websocket

from gatewright.clock import Clock, SystemClock
from gatewright.config.facts import publication_limits, server_info
from gatewright.config.load import load_config
from gatewright.config.result import Config
from gatewright.metrics import Metrics
from gatewright.model import Publication, Receipt
from gatewright.plugin.host import Hosts
from gatewright.plugin.opening import Surroundings
from gatewright.server.binding import Bound
from gatewright.server.drivers.self_test import try_direct
from gatewright.server.gateway import Gateway
from gatewright.server.hypercorn.runner import serving
from gatewright.server.listening import bind_all, listeners
from gatewright.server.readiness import Phase
from gatewright.testing.factories import Factories, GivenPlugins
from gatewright.testing.recording import LinkedBus, RecordedEvents

__all__ = ["RunningGateway", "running_gateway", "two_gateways"]

READY_SECONDS: Final = 20.0


@dataclass(frozen=True, kw_only=True)
class RunningGateway:
    """A gateway that serves.

    Attributes:
        address: Its ``host:port``, or ``unix:/path``.
        internal: Where ``/internal`` and ``/metrics`` are; the same without an ``internal_bind``.
        path: Where its WebSocket is.
        tls: Whether ``address`` speaks TLS.
        events: What its clients did, unless the configuration names sinks of its own.
        metrics: Its registry.
    """

    address: str
    internal: str
    path: str
    tls: bool
    events: RecordedEvents
    metrics: CollectorRegistry
    gateway: Gateway = field(repr=False)

    @property
    def url(self) -> str:
        """The WebSocket's address."""
        return f"{'wss' if self.tls else 'ws'}://{self.address}{self.path}"

    @property
    def http(self) -> str:
        """The address of ``/internal``, ``/metrics``, ``/health`` and ``/ready``."""
        secure = self.tls and self.internal == self.address
        return f"{'https' if secure else 'http'}://{self.internal}"

    def connect(self, user: str = "42", **options: Any) -> websocket:  # noqa: ANN401 - the library's
        """Connect a client as ``user``, which anonymous authentication believes.

        Returns:
            What `websockets.asyncio.client.connect` returns, with ``options`` passed on.
        """
        return self.connect_with({"Authorization": f"Bearer {user}"}, **options)

    def connect_with(self, headers: Mapping[str, str], **options: Any) -> websocket:  # noqa: ANN401 - as above
        """Connect a client whose handshake has these headers; otherwise as `connect`."""
        return websocket(self.url, additional_headers=dict(headers), **options)

    async def publish(self, payload: bytes, *subjects: str, id: str | None = None) -> Receipt:  # noqa: A002 - the field's name
        """Publish to subjects, by default to user 42, as a plugin that needs ``publish`` does.

        Args:
            payload: JSON.
            subjects: Who hears it.
            id: For recognising repeats.

        Raises:
            InvalidPublication: It is beyond a limit.
            BusUnavailable: The bus did not accept it.
        """
        publication = Publication(subjects or ("user:42",), payload, id, "harness")
        return await self.gateway.publish(publication)

    def metric(self, name: str, **labels: str) -> float:
        """Return the value of one sample, 0 where there is none."""
        return self.metrics.get_sample_value(name, labels) or 0.0

    def not_ready(self) -> Sequence[str]:
        """Return the parts that are not ready, each with why."""
        return self.gateway.readiness.not_ready()

    async def until_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until every part is ready.

        Raises:
            AssertionError: Some are not, in time; the text names them.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        while missing := self.not_ready():
            assert asyncio.get_running_loop().time() < deadline, f"not ready: {missing}"
            await asyncio.sleep(0.01)

    async def until_failed(self, seconds: float = READY_SECONDS) -> None:
        """Wait until a plugin whose failure ends the gateway has failed; this one goes on.

        Raises:
            AssertionError: None has, in time.
        """
        try:
            async with asyncio.timeout(seconds):
                await self.gateway.failed.wait()
        except TimeoutError:
            message = f"no plugin has failed within {seconds:g} s"
            raise AssertionError(message) from None


@asynccontextmanager
async def running_gateway(
    config: str | Mapping[str, Any] = "",
    *,
    factories: Factories | None = None,
    environ: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    node_id: str = "node-1",
) -> AsyncIterator[RunningGateway]:
    """Run a gateway while the context lasts; at its end, it drains as at a SIGTERM.

    Sections that ``config`` leaves out are: a free port of 127.0.0.1, anonymous authentication,
    and a sink that remembers (`RunningGateway.events`).

    Args:
        config: YAML, or what it says.
        factories: Plugins that are not installed, by kind and name.
        environ: Where variables of the YAML are looked up; none are there unless given.
        clock: The time of everything but the event loop: keepalive, expiry, limits, retries.
        node_id: The node's name.

    Raises:
        ConfigError: The configuration is no good.
        StartError: A plugin did not open.
    """
    events = RecordedEvents()
    given: Factories = {("events", "recorded"): events.factory(), **(factories or {})}
    loaded = load_config(
        text=_whole(config), environ=environ or {}, name="test.yaml", plugins=GivenPlugins(given)
    )
    async with AsyncExitStack() as stack:
        place = stack.enter_context(TemporaryDirectory(prefix="gatewright-test-"))
        around = _around(loaded, Path(place), clock or SystemClock(), node_id)
        bounds: list[Bound] = []
        for bound in bind_all(loaded.core.server):
            stack.callback(bound.sock.close)
            bounds.append(bound)
        async with _served(loaded, around, bounds) as gateway:
            yield RunningGateway(
                address=bounds[0].address,
                internal=bounds[-1].address,
                path=loaded.core.server.path,
                tls=loaded.core.server.tls is not None,
                events=events,
                metrics=around.metrics.registry,
                gateway=gateway,
            )


@asynccontextmanager
async def two_gateways(
    config: str | Mapping[str, Any] = "",
    *,
    factories: Factories | None = None,
    **options: Any,  # noqa: ANN401 - passed on
) -> AsyncIterator[tuple[RunningGateway, RunningGateway]]:
    """Run two gateways on one bus: the one that ``config`` names, else one within the test.

    Arguments are those of `running_gateway`; the nodes are ``node-1`` and ``node-2``.
    """
    sections = _parsed(config)
    given = dict(factories or {})
    if "bus" not in sections:
        sections["bus"] = {"linked": {}}
        given["bus", "linked"] = LinkedBus().factory()
    async with (
        running_gateway(sections, factories=given, node_id="node-1", **options) as one,
        running_gateway(sections, factories=given, node_id="node-2", **options) as other,
    ):
        yield one, other


@asynccontextmanager
async def _served(
    config: Config, around: Surroundings, bounds: Sequence[Bound]
) -> AsyncIterator[Gateway]:
    async with Hosts(around) as hosts:
        gateway = await Gateway.open(config, hosts, around, {})
        await gateway.drivers.try_out(try_direct)
        gateway.start()
        try:
            async with serving(listeners(gateway, config.core, bounds)):
                gateway.start_transports()
                gateway.readiness.phase = Phase.SERVING
                yield gateway
                await gateway.drain().run(asyncio.Event())
        finally:
            await gateway.stop()


def _around(config: Config, state: Path, clock: Clock, node_id: str) -> Surroundings:
    server = config.core.server
    return Surroundings(
        log=structlog.get_logger(),
        metrics=Metrics(),
        node_id=server.node_id or node_id,
        open_seconds=server.open_seconds,
        clock=clock,
        limits=publication_limits(config.core),
        server=server_info(config.core, state),
    )


def _parsed(config: str | Mapping[str, Any]) -> dict[str, Any]:
    sections = yaml.safe_load(config) if isinstance(config, str) else config
    return dict(sections or {})


def _whole(config: str | Mapping[str, Any]) -> str:
    """Add the sections that are left out; positions in errors are those of what comes of it."""
    sections = _parsed(config)
    defaults: dict[str, Any] = {
        "server": {"bind": "127.0.0.1:0"},
        "auth": {"anonymous": {}},
        "events": {"recorded": {}},
    }
    server = {**defaults["server"], **(sections.get("server") or {})}
    return yaml.safe_dump({**defaults, **sections, "server": server}, sort_keys=False)
