"""Hosts backends: each is opened, held and closed by one task of its own.

A context manager that holds a task group must be entered and left by the same task, outside of
any foreign cancel scope. So a host's task enters it, reports, waits for the signal to close, and
leaves; whoever waits for that task waits under a limit and never reaches into it. The tasks are
plain asyncio tasks for the reasons that `gatewright.plugin.supervisor` gives: one that hangs can
be abandoned.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from types import MappingProxyType, TracebackType
from typing import Any, Final, Generic, Self, TypeVar

import anyio

from gatewright.model import Health
from gatewright.plugin.context import PluginContext
from gatewright.plugin.describe import describe, root_of
from gatewright.plugin.opening import (
    DidNotOpen,
    NeedNotMet,
    OpenedTooSlowly,
    PluginClosing,
    Selection,
    Surroundings,
)
from gatewright.plugin.protocols import HasHealth, HasRun
from gatewright.plugin.spec import section_of
from gatewright.plugin.supervisor import Supervised, bound, is_cancelled, stop_all

__all__ = [
    "DidNotOpen",
    "Host",
    "Hosts",
    "NeedNotMet",
    "OpenedTooSlowly",
    "PluginClosing",
    "Selection",
    "Surroundings",
]

B_co = TypeVar("B_co", covariant=True)

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
READY: Final = Health(ready=True)


class Hosts:
    """The hosts of one gateway, in the order of opening. Used from one event loop.

    An async context manager: leaving it closes every backend, in reverse order.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._hosts: list[Host[Any]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self.close()

    def __iter__(self) -> Iterator[Host[Any]]:
        return iter(self._hosts)

    @property
    def abandoned(self) -> tuple[str, ...]:
        """The keys of hosts with a task that hangs: ``asyncio.run`` would wait for it for ever."""
        return tuple(host.key for host in self._hosts if host.abandoned)

    async def open(
        self, selection: Selection, *, provided: Mapping[str, Any] = NOTHING
    ) -> Host[Any]:
        """Open one backend in a task of its own.

        When it fails or is cancelled, every backend opened before is closed in reverse order.

        Args:
            selection: The plugin.
            provided: What there is for plugins that need it; each gets only what its factory
                names in ``needs``.

        Raises:
            StartError: It needs what is not provided, raised, or took too long.
        """
        try:
            _check_needs(selection, provided)
            host: Host[Any] = Host(selection, self._surroundings, provided)
            self._hosts.append(host)
            await host.open()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self.close()
            raise
        return host

    async def close(self) -> None:
        """Stop and close every backend, the last opened first; may be called again.

        Takes at most three times ``open_seconds`` and a second for each that hangs. Being
        cancelled leaves the rest open.
        """
        for host in reversed(self._hosts):
            await host.close()

    def health(self) -> dict[str, Health]:
        """Return how each backend is, by its key in the configuration."""
        return {host.key: host.health() for host in self._hosts}


def _check_needs(selection: Selection, provided: Mapping[str, Any]) -> None:
    missing = sorted(selection.factory.needs - provided.keys())
    if missing:
        raise NeedNotMet(selection.name, selection.distribution, missing[0])


class Host(Generic[B_co]):
    """One backend and the task that holds it open. Made by `Hosts.open`.

    Attributes:
        backend: What the factory's ``open`` yielded.
        kind: The plugin's kind.
        name: The plugin's name with its label, ``redis_stream/eu``.
        key: Its path in the configuration, ``transports.redis_stream/eu``: unique in a gateway.
        distribution: Where it comes from.
        abandoned: Whether a task of it hangs, and was left behind.
    """

    backend: B_co

    def __init__(
        self, selection: Selection, surroundings: Surroundings, provided: Mapping[str, Any]
    ) -> None:
        self.kind = selection.kind
        self.name = selection.name
        self.key = f"{section_of(selection.kind)}.{selection.name}"
        self.distribution = selection.distribution
        self._selection = selection
        self._around = surroundings
        self._log = surroundings.log.bind(plugin=self.name, kind=self.kind)
        self._provided: dict[str, Any] = {need: provided[need] for need in selection.factory.needs}
        self._running: list[Supervised] = []
        self._spawned: set[Supervised] = set()
        self._opened = asyncio.Event()  # set when opening is over, well or not
        self._stopping = False  # no new tasks
        self._closing = asyncio.Event()
        self._open = False
        self._step = ""
        self._error: BaseException | None = None
        self._own_health: Callable[[], Health] | None = None
        self._task: asyncio.Task[None] | None = None
        self._gone = False  # nobody waits for the task any more
        self.abandoned = False

    def start(self, run: Callable[[], Awaitable[None]] | None = None) -> None:
        """Keep ``run`` running until `stop_run`; it is restarted when it returns or raises.

        Args:
            run: What to run, such as ``partial(transport.run, publish)``; by default the
                backend's own ``run``, where it offers one.
        """
        if run is None:
            if not isinstance(self.backend, HasRun):
                return
            run = self.backend.run
        supervised = self._supervised(run, name="run", endless=True)
        self._running.append(supervised)
        supervised.start()

    async def stop_run(self, seconds: float | None = None) -> None:
        """Cancel what `start` started and wait for its cleanup; it is not started again.

        Args:
            seconds: How long to wait, by default ``open_seconds``. What has not ended by then is
                logged and left to itself.
        """
        limit = self._around.open_seconds if seconds is None else seconds
        running, self._running = self._running, []
        await self._stop(running, limit)

    def offers(self, capability: str) -> bool:
        """Whether the plugin's factory states a capability."""
        return capability in self._selection.factory.provides

    def health(self) -> Health:
        """Combine what the backend says of itself with what its host sees. Never raises."""
        health = self._asked()
        troubles = [one.trouble for one in (*self._running, *self._spawned) if one.trouble]
        if self._error is not None:
            troubles = [f"closed after {type(root_of(self._error)).__name__}"]
        elif self._open and self._task is not None and self._task.done():
            troubles = ["closed"]
        if troubles:
            detail = "; ".join([*troubles, *([health.detail] if health.detail else [])])
            health = Health(ready=False, detail=detail, facts=health.facts)
        self._around.metrics.plugin_ready.labels(self.key).set(health.ready)
        return health

    async def open(self) -> None:
        """Open the backend. Called once, by `Hosts`, which also cleans up after a failure.

        Raises:
            StartError: It raised, or took longer than ``open_seconds``.
        """
        seconds = self._around.open_seconds
        self._task = asyncio.create_task(self._live(), name=self.key)
        with anyio.move_on_after(seconds):
            await self._opened.wait()
        if not self._opened.is_set():
            raise OpenedTooSlowly(self.name, self.distribution, seconds, self._step)
        if not self._open:
            error = self._error or asyncio.CancelledError("its task was cancelled")
            raise DidNotOpen(self.name, self.distribution, error) from error

    async def close(self) -> None:
        """Stop all of the backend's tasks, then close it; may be called again.

        Never raises. A backend that hangs is cancelled after ``open_seconds``, and abandoned when
        that does not help within a second.
        """
        seconds = self._around.open_seconds
        self._stopping = True
        await self.stop_run()
        await self._stop(tuple(self._spawned), seconds)
        self._closing.set()
        if self._task is None or self._gone:
            return
        if self._open:
            await asyncio.wait({self._task}, timeout=seconds)
        if not self._task.done():
            if self._open:
                self._log.warning("plugin does not close in time and is cancelled", limit=seconds)
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=min(seconds, 1.0))
        if not self._task.done():
            self._gone = True
            self._abandon("close" if self._open else "open")

    async def _live(self) -> None:
        factory = self._selection.factory
        try:
            async with factory.open(self._selection.settings, self._context()) as backend:
                self.backend = backend
                self._own_health = backend.health if isinstance(backend, HasHealth) else None
                self._open = True
                self._opened.set()
                await self._closing.wait()
        except asyncio.CancelledError as error:
            if is_cancelled():
                raise
            self._raised(error)
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - contained
            self._raised(error)
        else:
            if not self._closing.is_set():
                self._log.error("plugin closed by itself", error="its context manager ended")
        finally:
            self._opened.set()
            if not self._closing.is_set():
                for supervised in (*self._running, *self._spawned):
                    supervised.cancel()

    def _raised(self, error: BaseException) -> None:
        if not self._open:
            self._error = error
            return
        if self._closing.is_set():
            self._log.warning("plugin raised while closing", error=describe(error))
        else:
            self._error = error
            self._log.error("plugin closed by itself", error=describe(error))
        self._log.debug("plugin raised", exc_info=error)

    def _context(self) -> PluginContext:
        around = self._around
        return PluginContext(
            name=self.name,
            log=self._log,
            metrics=around.metrics.registry,
            node_id=around.node_id,
            spawn=self._spawn,
            clock=around.clock,
            limits=around.limits,
            server=around.server,
            step=self._at,
            provided=self._provided,
        )

    def _at(self, step: str) -> None:
        self._step = step

    def _spawn(self, function: Callable[..., Awaitable[Any]], *args: object) -> None:
        if self._stopping or self._error is not None:
            raise PluginClosing(self.name)
        name = getattr(function, "__name__", "task")
        supervised = self._supervised(bound(function, *args), name=name, endless=False)
        self._spawned.add(supervised)
        supervised.start(done=lambda: self._spawned.discard(supervised))

    def _supervised(
        self, function: Callable[[], Awaitable[Any]], *, name: str, endless: bool
    ) -> Supervised:
        return Supervised(
            function,
            name=name,
            log=self._log,
            restarts=self._around.metrics.plugin_restarts.labels(self.key),
            clock=self._around.clock,
            pacing=self._around.pacing,
            endless=endless,
        )

    async def _stop(self, running: Iterable[Supervised], limit: float) -> None:
        for hanging in await stop_all(running, limit):
            self._abandon(hanging.name)

    def _abandon(self, what: str) -> None:
        self.abandoned = True
        self._log.error("plugin hangs and is abandoned", function=what)

    def _asked(self) -> Health:
        if self._own_health is None:
            return READY
        try:
            health = self._own_health()
        except Exception as error:  # noqa: BLE001 - contained
            self._log.debug("plugin raised", function="health", exc_info=error)
            return Health(ready=False, detail=f"health raised {type(error).__name__}")
        if not isinstance(health, Health):
            return Health(ready=False, detail=f"health returned {type(health).__name__}")
        return health
