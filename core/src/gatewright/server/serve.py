"""The process: sockets, event loop, signals, and the exit code."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import disable_created_metrics

from gatewright.clock import SystemClock
from gatewright.config.advice import advice
from gatewright.config.facts import publication_limits, server_info
from gatewright.config.result import Config
from gatewright.errors import StartError
from gatewright.logs import configure_logging, get_logger
from gatewright.metrics import Metrics
from gatewright.plugin.factory import Development
from gatewright.plugin.host import Hosts, Surroundings
from gatewright.server.binding import Bound
from gatewright.server.drivers.self_test import try_direct
from gatewright.server.garbage import spared
from gatewright.server.gateway import Gateway, new_node_id
from gatewright.server.hypercorn.runner import serving
from gatewright.server.listening import bind_all, listeners
from gatewright.server.readiness import Phase
from gatewright.server.watchdog import Watchdog
from gatewright.state import state_directory

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = ["Announce", "NotReadyInTime", "ServerAddresses", "serve"]

EXIT_GRACE_SECONDS: Final = 20.0
POLL_SECONDS: Final = 0.1
THREAD_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class ServerAddresses:
    """Where a gateway listens.

    Attributes:
        public: ``host:port`` or ``unix:/path`` of ``server.bind``, with the port in use.
        internal: The one of ``server.internal_bind``, or ``None``.
        path: The path of the WebSocket.
        tls: Whether the public one speaks TLS.
    """

    public: str
    internal: str | None
    path: str
    tls: bool


Announce = Callable[[ServerAddresses], None]


class NotReadyInTime(StartError):
    """``strict_start``: not every part became ready."""

    def __init__(self, seconds: float, parts: list[str]) -> None:
        self.seconds, self.parts = seconds, tuple(parts)
        super().__init__(seconds, parts)

    def __str__(self) -> str:
        listed = "; ".join(self.parts)
        return f"not ready within {self.seconds:g} s (server.start_seconds): {listed}"


class Signals:
    """SIGTERM and SIGINT: the first asks for a drain, the second for an end, the third is one."""

    def __init__(self) -> None:
        self.drain = asyncio.Event()
        self.now = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._caught)

    def _caught(self) -> None:
        if not self.drain.is_set():
            self.drain.set()
        elif not self.now.is_set():
            self.now.set()
        else:
            os._exit(1)


def serve(
    config: Config,
    *,
    development: Development | None = None,
    announce: Announce | None = None,
) -> int:
    """Serve until a signal ends it; return the exit code. Blocks.

    Args:
        config: What to serve.
        development: Local credentials; given by ``gatewright dev``, and what makes it that.
        announce: Called once the gateway listens and reads what backends publish.

    Raises:
        StartError: It could not start; nothing was consumed and nothing is left open.
    """
    settings = config.core
    configure_logging(settings.logging.level, settings.logging.format)
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series per counter
    bounds: list[Bound] = []
    with ExitStack() as until_exit:
        for bound in bind_all(settings.server):
            until_exit.callback(bound.sock.close)
            bounds.append(bound)
        process = _Process(config, bounds, development, announce, until_exit)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            code = runner.run(process.run())
    _leave_threads_behind(code)
    return code


class _Process:
    """One run of one gateway; ``until_exit`` is closed when nothing of it runs any more."""

    def __init__(
        self,
        config: Config,
        bounds: list[Bound],
        development: Development | None,
        announce: Announce | None,
        until_exit: ExitStack,
    ) -> None:
        self._config = config
        self._until_exit = until_exit
        self._bounds = bounds
        self._development = development
        self._announce = announce
        self._log: FilteringBoundLogger = get_logger()
        self._metrics = Metrics()
        self._metrics.of_this_process()

    async def run(self) -> int:
        signals = Signals()
        self._say_what_was_chosen()
        around = self._surroundings()
        async with Hosts(around) as hosts:
            with Watchdog(self._log, self._metrics.loop_lag_seconds, self._metrics.loop_stalls):
                gateway = await self._opened(hosts, around, signals)
                code = 0 if gateway is None else await self._serve(gateway, signals)
        if hosts.abandoned:
            self._leave_behind()
        return code

    async def _opened(self, hosts: Hosts, around: Surroundings, signals: Signals) -> Gateway | None:
        """Open the gateway, unless a signal comes first."""
        provided: dict[str, Any] = {}
        if self._development is not None:
            provided["issue_token"] = self._development.issue
        opening = asyncio.create_task(Gateway.open(self._config, hosts, around, provided))
        waiting = asyncio.create_task(signals.drain.wait())
        await asyncio.wait({opening, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if opening.done():
            return opening.result()
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        return None

    async def _serve(self, gateway: Gateway, signals: Signals) -> int:
        """Serve until a signal comes, or something fails that the gateway cannot do without."""
        await gateway.drivers.try_out(try_direct)
        served = listeners(gateway, self._config.core, self._bounds)
        gateway.start()
        try:
            deadline = time.monotonic() + self._config.core.server.start_seconds
            await self._until_ready(gateway, signals, deadline, besides="transports.")
            async with serving(served) as listening:
                gateway.start_transports()
                await self._until_ready(gateway, signals, deadline)
                self._until_exit.enter_context(spared())
                gateway.readiness.phase = Phase.SERVING
                self._say_where()
                await self._until_ended(gateway, signals, listening)
                self._until_exit.enter_context(_watched_exit(self._config))
                await gateway.drain().run(signals.now)
                return 0 if signals.drain.is_set() else 1
        finally:
            await gateway.stop()

    async def _until_ready(
        self, gateway: Gateway, signals: Signals, deadline: float, besides: str | None = None
    ) -> None:
        """With ``strict_start``, wait for every part, but those whose names begin ``besides``."""
        if not self._config.core.server.strict_start:
            return
        while not signals.drain.is_set():
            missing = gateway.readiness.not_ready(besides=besides)
            if not missing:
                return
            if time.monotonic() >= deadline:
                raise NotReadyInTime(self._config.core.server.start_seconds, missing)
            await asyncio.sleep(POLL_SECONDS)

    async def _until_ended(
        self, gateway: Gateway, signals: Signals, listening: Sequence[asyncio.Task[None]]
    ) -> None:
        """Wait for a signal, or for what should not be and is logged."""
        signalled = asyncio.create_task(signals.drain.wait())
        failed = asyncio.create_task(gateway.failed.wait())
        await asyncio.wait({signalled, failed, *listening}, return_when=asyncio.FIRST_COMPLETED)
        if not signalled.done():
            what = "a plugin failed" if failed.done() else "a listener ended"
            self._log.error(f"{what}; draining")
        signalled.cancel()
        failed.cancel()

    def _surroundings(self) -> Surroundings:
        core = self._config.core
        return Surroundings(
            log=self._log,
            metrics=self._metrics,
            node_id=core.server.node_id or new_node_id(),
            open_seconds=core.server.open_seconds,
            clock=SystemClock(),
            limits=publication_limits(core),
            server=server_info(core, state_directory(), development=self._development is not None),
        )

    def _say_what_was_chosen(self) -> None:
        """Log what the file leaves to the core, and what it probably does not mean."""
        for line in advice(self._config):
            self._log.warning(line)
        for kind, chosen in self._config.plugins.items():
            for selected in chosen:
                if selected.by_default:
                    self._log.info("chosen by default", kind=kind, plugin=selected.name)

    def _say_where(self) -> None:
        server = self._config.core.server
        addresses = ServerAddresses(
            public=self._bounds[0].address,
            internal=self._bounds[1].address if len(self._bounds) > 1 else None,
            path=server.path,
            tls=server.tls is not None,
        )
        self._log.info(
            "serving",
            bind=addresses.public,
            internal_bind=addresses.internal,
            path=addresses.path,
            plugins=sorted(
                f"{kind}:{selected.name} ({selected.distribution})"
                for kind, chosen in self._config.plugins.items()
                for selected in chosen
            ),
        )
        if self._announce is not None:
            self._announce(addresses)

    def _leave_behind(self) -> None:
        """A plugin's task hangs: leave without it, for the loop would wait for it for ever."""
        self._log.warning("exiting although a plugin hangs")
        os._exit(0)


def _leave_threads_behind(code: int) -> None:
    """Leave without worker threads that hang in I/O: the interpreter would wait for them."""
    deadline = time.monotonic() + THREAD_SECONDS
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join(max(deadline - time.monotonic(), 0.0))
            if thread.is_alive():
                get_logger().warning("exiting although a thread hangs", thread=thread.name)
                sys.stderr.flush()
                os._exit(code)


@contextmanager
def _watched_exit(config: Config) -> Iterator[None]:
    """End the process hard should a stop outlast all of its limits, or the loop stand still."""
    server = config.core.server
    limit = server.drain_seconds + server.flush_seconds + 3 * server.open_seconds
    timer = threading.Timer(limit + EXIT_GRACE_SECONDS, os._exit, args=(1,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return uvloop's factory where it is installed."""
    try:
        uvloop = import_module("uvloop")
    except ImportError:
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
