"""One node: what was opened, wired together, with its background work."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from gatewright.clock import Clock
from gatewright.config.result import Config
from gatewright.events.dead_letters import DeadLetterWriter, NamedStore
from gatewright.events.dispatcher import Dispatcher
from gatewright.events.observers import Observer, Observers
from gatewright.events.sink_runner import OpenSink
from gatewright.hub.hub import Hub
from gatewright.hub.presence_keeper import PresenceKeeper
from gatewright.hub.seen import SeenIds
from gatewright.metrics import Metrics
from gatewright.model import Health
from gatewright.plugin.host import Hosts, Surroundings
from gatewright.plugin.protocols import HasRun
from gatewright.plugin.settings import ExtensionSettings, OnError
from gatewright.plugin.supervisor import Pacing, Supervised, stop_all
from gatewright.server.addresses import ClientAddress
from gatewright.server.app import GatewayApp
from gatewright.server.caps import Caps, descriptor_cap
from gatewright.server.connections import Connections
from gatewright.server.drain import Drain
from gatewright.server.drivers.assembly import drivers_for
from gatewright.server.expiry import Expiry
from gatewright.server.handshake import Handshaker, HandshakeRules
from gatewright.server.identify import Identifier
from gatewright.server.ingress import Ingress
from gatewright.server.lent import Lent
from gatewright.server.membership import NodeMembership
from gatewright.server.neighbours import CLUSTER, neighbours
from gatewright.server.opened import Opened, Opener
from gatewright.server.plugin_routes import plugin_routes
from gatewright.server.readiness import Phase, Readiness
from gatewright.server.refresh import Refresher
from gatewright.server.routes import core_routes, http_app, split_routes
from gatewright.wheel import TimerWheel

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from gatewright.plugin.settings import Settings, SinkSettings

__all__ = ["Gateway", "new_node_id"]

PRESENCE_SECONDS: Final = 2.0
"""Of the flush at the end, what presence may take on top; an outage must not delay the exit."""


class Gateway:
    """One node. Made by `Gateway.open`, which opens every plugin; closed by its `Hosts`.

    Attributes:
        public: The ASGI application of ``server.bind``.
        internal: The one of ``server.internal_bind``, or ``None`` where it has no bind of its own.
        readiness: How every part is.
        connections: The open sessions.
        hub: Who hears what.
        publish: Publishes on behalf of a plugin that is no transport.
        command: Has every node carry out a command.
        membership: What to do about nodes that are gone.
        failed: Set when the gateway must not run on.
    """

    def __init__(
        self,
        config: Config,
        opened: Opened,
        ingress: Ingress,
        *,
        hosts: Hosts,
        keeper: PresenceKeeper,
        hub: Hub,
        node_id: str,
        metrics: Metrics,
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self._config = config
        self._opened = opened
        self._ingress = ingress
        self.publish = ingress.publish_for("plugin", "node")
        self.command = ingress.command
        self._keeper = keeper
        self._metrics = metrics
        self._clock = clock
        self._log = log
        self._background: list[Supervised] = []
        self.failed = asyncio.Event()
        self.hub = hub
        self._wheel = TimerWheel(clock)
        self._letters = self._open_letters()
        self._observers = self._find_observers()
        self._dispatcher = self._make_dispatcher()
        self.membership = NodeMembership(
            hub=hub,
            dispatcher=self._dispatcher,
            dead_letters=self._letters,
            metrics=metrics,
            clock=clock,
            log=log,
        )
        self.readiness = Readiness(node_id, partial(self._parts, hosts))
        self._identifier = Identifier(
            opened.auth.backend,
            seconds=config.core.limits.handshake_seconds,
            most_subjects=config.core.limits.subjects_per_connection,
            log=log,
        )
        self.connections = self._make_connections()
        self._caps = self._make_caps()
        self.drivers = drivers_for(
            config.core,
            wheel=self._wheel,
            settle=self.hub.fanout.flush,
            release=self._caps.release,
            metrics=metrics,
            log=self._log,
        )
        self.public, self.internal = self._make_apps()

    @classmethod
    async def open(
        cls,
        config: Config,
        hosts: Hosts,
        around: Surroundings,
        provided: Mapping[str, Any],
    ) -> Gateway:
        """Open every plugin of ``config`` in ``hosts`` and wire them together.

        Raises:
            StartError: A plugin did not open.
        """
        metrics, clock = around.metrics, around.clock
        lent = Lent()
        opened = await Opener(config, hosts, provided).open(lent)
        keeper = PresenceKeeper(
            opened.presence.backend, metrics=metrics, log=around.log, clock=clock
        )
        hub = Hub(
            seen=SeenIds(clock),
            metrics=metrics,
            changed=keeper.changed,
            most_subjects=config.core.limits.subjects_per_connection,
        )
        gateway = cls(
            config,
            opened,
            Ingress(
                hub,
                opened.bus.backend,
                reaches_all=opened.bus.offers(CLUSTER),
                limits=around.limits,
                metrics=metrics,
            ),
            hosts=hosts,
            keeper=keeper,
            hub=hub,
            node_id=around.node_id,
            metrics=metrics,
            clock=clock,
            log=around.log,
        )
        lent.fill(gateway)
        return gateway

    # -- life --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything that must run before anybody can connect."""
        for name, work in (
            ("dead_letters", self._letters.run),
            ("events", self._dispatcher.run),
            ("presence", self._keeper.run),
            ("timers", self._wheel.run),
        ):
            self._start_background(name, work)
        opened = self._opened
        opened.bus.start(partial(opened.bus.backend.run, self.hub.deliver))
        stores = {id(host): host for host in (opened.dead_letters, opened.last_resort)}
        for host in (
            *stores.values(),
            *opened.events,
            opened.auth,
            opened.rate_limit,
            opened.presence,
            *opened.extensions,
        ):
            if isinstance(host.backend, HasRun):
                host.start()

    def start_transports(self) -> None:
        """Start reading what backends publish."""
        for host in self._opened.transports:
            transport = host.backend
            publish = self._ingress.publish_for(host.name, transport.reach)
            host.start(partial(transport.run, publish))

    def drain(self) -> Drain:
        """Return the graceful stop of this node."""
        return Drain(
            stop_taking=self._stop_taking,
            members=self.hub.members,
            empty=self.connections.empty,
            stop_readers=self._stop_readers,
            flush=self._flush,
            drain_seconds=self._config.core.server.drain_seconds,
            flush_seconds=self._config.core.server.flush_seconds,
            log=self._log,
        )

    async def stop(self) -> None:
        """End the background work; may be called without a drain."""
        await stop_all(self._background, 1.0)

    async def _stop_taking(self) -> None:
        self.readiness.phase = Phase.DRAINING
        self._metrics.draining.set(1)
        await self._stop_transports("node")

    async def _stop_readers(self) -> None:
        await self._stop_transports("cluster")
        await self._opened.bus.stop_run()
        await asyncio.gather(*(host.stop_run() for host in self._opened.extensions))

    async def _stop_transports(self, reach: str) -> None:
        await asyncio.gather(
            *(host.stop_run() for host in self._opened.transports if host.backend.reach == reach)
        )

    async def _flush(self, seconds: float) -> None:
        await self._dispatcher.flush(seconds)
        written, _ = await asyncio.gather(
            self._letters.flush(max(seconds, 1.0)),
            self._keeper.flush(PRESENCE_SECONDS),
        )
        if not written:
            self._log.error("dead letters are lost: no store took them", **self._waiting())

    def _waiting(self) -> dict[str, Any]:
        return dict(self._letters.health().facts)

    # -- wiring ------------------------------------------------------------------------------------

    def _start_background(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        supervised = Supervised(
            work,
            name=name,
            log=self._log,
            restarts=self._metrics.plugin_restarts.labels(f"core.{name}"),
            clock=self._clock,
            pacing=Pacing(),
            endless=False,
        )
        self._background.append(supervised)
        supervised.start()

    def _open_letters(self) -> DeadLetterWriter:
        opened = self._opened
        return DeadLetterWriter(
            NamedStore(opened.dead_letters.name, opened.dead_letters.backend),
            NamedStore(opened.last_resort.name, opened.last_resort.backend),
            metrics=self._metrics,
            log=self._log,
            max_bytes=2 * self._config.core.lanes.total_bytes,
            clock=self._clock,
        )

    def _find_observers(self) -> Observers:
        extensions = zip(
            self._opened.extensions, self._config.plugins.get("extension", ()), strict=True
        )
        return Observers(
            (
                Observer(host.name, host.backend, _on_error(selected.settings))
                for host, selected in extensions
            ),
            metrics=self._metrics,
            log=self._log,
            fail=self.failed.set,
        )

    def _make_dispatcher(self) -> Dispatcher:
        return Dispatcher(
            [
                OpenSink(host.name, host.backend, cast("SinkSettings", selected.settings))
                for host, selected in zip(
                    self._opened.events, self._config.plugins.get("events", ()), strict=True
                )
            ],
            lanes=self._config.core.lanes,
            dead_letters=self._letters,
            metrics=self._metrics,
            clock=self._clock,
            log=self._log,
            observers=self._observers,
            pause=self._pause,
            pause_seconds=self._config.core.keepalive.timeout_seconds / 2,
        )

    def _pause(self, connection_id: str, paused: bool) -> None:  # noqa: FBT001 - the lanes' callback
        self.connections.pause(connection_id, paused)

    def _make_connections(self) -> Connections:
        expiry = Expiry(self._wheel, self._clock)
        return Connections(
            hub=self.hub,
            keeper=self._keeper,
            dispatcher=self._dispatcher,
            expiry=expiry,
            refresher=Refresher(self._identifier, expiry, self.hub, self._log),
            rate_limit=self._opened.rate_limit.backend,
            refresh_enabled=self._config.core.session.refresh,
            metrics=self._metrics,
            clock=self._clock,
        )

    def _make_caps(self) -> Caps:
        limits = self._config.core.limits
        caps = [cap for cap in (limits.connections, descriptor_cap()) if cap is not None]
        return Caps(total=min(caps, default=None), per_address=limits.connections_per_address)

    def _make_handshaker(self) -> Handshaker:
        server, limits = self._config.core.server, self._config.core.limits
        origins = server.allowed_origins
        return Handshaker(
            rules=HandshakeRules(
                allowed_origins=None if origins is None else frozenset(origins),
                refuse_with_http=server.refuse_with == "http_401",
                per_user=limits.connections_per_user,
            ),
            caps=self._caps,
            addresses=ClientAddress(server.trusted_proxies),
            identifier=self._identifier,
            drivers=self.drivers,
            new_session=self.connections.new,
            connections_of=self.hub.count_user,
            draining=lambda: self.readiness.draining,
            results=self._metrics.handshakes,
            seconds=self._metrics.handshake_seconds,
            clock=self._clock,
            log=self._log,
        )

    def _make_apps(self) -> tuple[GatewayApp, GatewayApp | None]:
        server = self._config.core.server
        separate = server.internal_bind is not None
        offered = (*self._opened.transports, *self._opened.extensions)
        core = core_routes(self.readiness.report, self._metrics.registry)
        plugins = plugin_routes(offered, core=core, websocket=server.path)
        public, internal = split_routes([*core, *plugins], separate_internal=separate)
        app = GatewayApp(http_app(public), self._make_handshaker(), server.path)
        return app, GatewayApp(http_app(internal), None, server.path) if separate else None

    def _parts(self, hosts: Hosts) -> dict[str, Health]:
        parts = hosts.health()
        parts["dead_letters"] = self._letters.health()
        parts["sockets"] = self.drivers.health()
        if (unreached := neighbours(self._opened)) is not None:
            parts["neighbours"] = unreached
        for work in self._background:
            if work.trouble:
                parts[f"core.{work.name}"] = Health(ready=False, detail=work.trouble)
        for name, lanes in self._dispatcher.health().items():
            if not lanes.ready:
                parts[f"events.{name}"] = lanes
        for name, off in self._observers.health().items():
            parts[f"extensions.{name}.observer"] = off
        return parts


def _on_error(settings: Settings) -> OnError:
    return settings.on_error if isinstance(settings, ExtensionSettings) else "disable"


def new_node_id() -> str:
    """Make a node id: the host's name and something random."""
    host = "".join(
        char if char.isalnum() or char in "._-" else "-" for char in socket.gethostname()
    )
    return f"{host[:100]}-{secrets.token_hex(4)}"
