"""Keeps a plugin's long-running functions running: restarts, pauses, log lines, counts.

Supervised functions run in plain asyncio tasks, not in a task group, for two reasons. A task group
cannot let go of a member that ignores its cancellation, and the gateway must be able to exit
without it. And a task is cancelled once, where a cancelled scope cancels every further ``await``:
so the cleanup of a ``run`` may await (acknowledge, leave) without shielding itself.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from gatewright.clock import Clock
from gatewright.plugin.describe import describe, root_of

if TYPE_CHECKING:
    from prometheus_client import Counter
    from structlog.typing import FilteringBoundLogger

__all__ = ["Pacing", "Pauses", "Supervised", "bound", "is_cancelled", "stop_all"]


@dataclass(frozen=True, slots=True)
class Pacing:
    """How fast failing functions are called again; all in seconds.

    Attributes:
        first: The longest first pause; each further one may be twice as long.
        early: The longest pause in the first time of an outage.
        early_for: How long that first time is.
        longest: The longest pause after that.
        settled: A restarted function that has lasted this long counts as up again.
        stable: One that has lasted this long ends the outage: pauses start over.
    """

    first: float = 0.1
    early: float = 1.0
    early_for: float = 60.0
    longest: float = 30.0
    settled: float = 1.0
    stable: float = 60.0


class Pauses:
    """The pauses of one outage: growing, jittered, bounded by its age."""

    __slots__ = ("_began", "_clock", "_pacing", "_random", "_reach")

    def __init__(
        self, pacing: Pacing, clock: Clock, uniform: Callable[[], float] = random.random
    ) -> None:
        self._pacing = pacing
        self._clock = clock
        self._random = uniform
        self._began = clock.monotonic()
        self._reach = pacing.first / 2

    def following(self) -> float:
        """Return the next pause in seconds: between a fifth and all of what it may reach."""
        pacing = self._pacing
        age = self._clock.monotonic() - self._began
        bound = pacing.early if age < pacing.early_for else pacing.longest
        self._reach = min(self._reach * 2, bound)
        return self._reach * (0.2 + 0.8 * self._random())


class Supervised:
    """One function of a plugin, called again whenever it raises or, if asked, when it returns.

    Used from the event loop only. Everything the function raises is contained here.
    """

    def __init__(
        self,
        function: Callable[[], Awaitable[Any]],
        *,
        name: str,
        log: FilteringBoundLogger,
        restarts: Counter,
        clock: Clock,
        pacing: Pacing,
        endless: bool = True,
    ) -> None:
        """Prepare; nothing is called before `start`.

        Args:
            function: What to call, without arguments.
            name: What it is called in the log, such as ``run``.
            log: A logger bound to the plugin.
            restarts: Counts the calls after the first.
            clock: The time.
            pacing: How fast to call again.
            endless: Whether returning is as wrong as raising.
        """
        self._function = function
        self.name = name
        self._log = log
        self._restarts = restarts
        self._clock = clock
        self._pacing = pacing
        self._endless = endless
        self._pauses: Pauses | None = None  # there while an outage lasts
        self._since: float | None = None  # when the call under way began
        self._last = ""
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    @property
    def trouble(self) -> str:
        """What keeps it from working, or ``""``: the type of the last error, never its text."""
        if self._pauses is None:
            return ""
        if self._since is not None:
            lasted = self._clock.monotonic() - self._since
            if lasted >= self._pacing.settled:
                return ""
        return f"{self.name} restarting after {self._last}"

    def start(self, done: Callable[[], None] | None = None) -> None:
        """Call the function in a task of its own; ``done`` is called when that has ended."""
        self._task = asyncio.create_task(self._serve(), name=self.name)
        if done is not None:
            self._task.add_done_callback(lambda _: done())

    def cancel(self) -> asyncio.Task[None] | None:
        """Cancel the function without waiting; it is not called again.

        It is cancelled once, however often this is called: its cleanup may take a while.

        Returns:
            The task that ends when the cleanup is done, or ``None`` when there is none.
        """
        if self._task is not None and not self._stopping:
            self._task.cancel()
        self._stopping = True
        return self._task

    async def _serve(self) -> None:
        while not self._stopping:
            self._since = self._clock.monotonic()
            error = await self._call()
            lasted = self._clock.monotonic() - self._since
            self._since = None
            if self._stopping:
                self._ended_while_stopping(error)
            elif error is not None or self._endless:
                await asyncio.sleep(self._failed(error, lasted))
                self._restarts.inc()
            else:
                self._pauses = None
                return

    async def _call(self) -> BaseException | None:
        stable = asyncio.get_running_loop().call_later(self._pacing.stable, self._recovered)
        try:
            await self._function()
        except asyncio.CancelledError as error:
            if is_cancelled():
                raise
            return error  # raised by the function itself: nobody cancelled this task
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - contained
            return error
        finally:
            stable.cancel()
        return None

    def _failed(self, error: BaseException | None, lasted: float) -> float:
        """Take note of an end that nobody asked for; return the pause before the next call."""
        if self._pauses is None or lasted >= self._pacing.stable:
            self._pauses = Pauses(self._pacing, self._clock)
            self._log.warning(
                "plugin fails and is restarted until it stays up",
                function=self.name,
                error="returned" if error is None else describe(error),
            )
        if error is not None:
            self._log.debug("plugin raised", function=self.name, exc_info=error)
        self._last = "returning" if error is None else type(root_of(error)).__name__
        return self._pauses.following()

    def _recovered(self) -> None:
        if self._pauses is not None:
            self._pauses = None
            self._log.info("plugin stays up again", function=self.name)

    def _ended_while_stopping(self, error: BaseException | None) -> None:
        if error is not None:
            self._log.warning(
                "plugin raised while stopping", function=self.name, error=describe(error)
            )
            self._log.debug("plugin raised", function=self.name, exc_info=error)


def bound(function: Callable[..., Awaitable[Any]], *args: object) -> Callable[[], Awaitable[Any]]:
    """Return ``function`` with its arguments, to be called any number of times."""
    return partial(function, *args) if args else function


def is_cancelled() -> bool:
    """Tell whether somebody cancelled the current task, or its function just raised as if."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def stop_all(supervised: Iterable[Supervised], seconds: float) -> list[Supervised]:
    """Cancel functions, all at once, and wait for their cleanup.

    Cancelling this leaves the cleanup running.

    Returns:
        Those that have not ended within ``seconds``; they are left to themselves.
    """
    tasks = {task: one for one in supervised if (task := one.cancel()) is not None}
    if not tasks:
        return []
    _, hanging = await asyncio.wait(tasks, timeout=seconds)
    return [tasks[task] for task in hanging]
