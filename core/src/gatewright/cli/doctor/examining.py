"""Runs examinations side by side: none can hold up, break or end the others."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from gatewright.cli.doctor.secrets import NO_SECRETS, Secrets
from gatewright.plugin.describe import describe
from gatewright.plugin.diagnosis import Finding

__all__ = ["Examination", "Examined", "examine"]

DIAGNOSIS: Final = "diagnosis"
FAREWELL_SECONDS: Final = 2.0
"""What a diagnosis that is cancelled has for closing what it opened."""


@dataclass(frozen=True, slots=True)
class Examination:
    """One thing to look at.

    Attributes:
        part: What it is about: ``core``, or a plugin's path in the file.
        look: Yields what it finds.
        origin: Whom to tell when it fails: ``gatewright-transport-redis 1.0``.
        secrets: What must not be shown, whatever it yields.
    """

    part: str
    look: Callable[[], AsyncIterator[Finding]]
    origin: str
    secrets: Secrets = NO_SECRETS


@dataclass(frozen=True, slots=True)
class Examined:
    """A finding, and what it is about."""

    part: str
    finding: Finding


def examine(examinations: Iterable[Examination], seconds: float) -> list[Examined]:
    """Run all at once and return what they found, in the order given. Blocks.

    Args:
        examinations: What to look at.
        seconds: How long each may take; what it found by then counts.
    """
    runs = [_Run(examination, seconds) for examination in examinations]
    deadline = time.monotonic() + seconds
    for run in runs:
        run.thread.start()
    for run in runs:
        run.wait(deadline)
    return [examined for run in runs for examined in run.results()]


@dataclass(slots=True, eq=False)
class _Run:
    """One examination in a thread and an event loop of its own: even one that blocks can be left.

    Such a thread is a daemon; it ends with the process.
    """

    examination: Examination
    seconds: float
    thread: threading.Thread = field(init=False)
    _found: list[Finding] = field(default_factory=list)
    _cancel: Callable[[], Any] | None = None
    _late: bool = False

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._work, daemon=True)

    def wait(self, deadline: float) -> None:
        self.thread.join(max(deadline - time.monotonic(), 0.0))
        if not self.thread.is_alive():
            return
        self._late = True
        if self._cancel is not None:
            with suppress(RuntimeError):  # its loop has just ended
                self._cancel()
        self.thread.join(FAREWELL_SECONDS)

    def results(self) -> Sequence[Examined]:
        found = list(self._found)
        if self._late:
            found.append(self._too_late(found))
        clean = self.examination.secrets.hidden
        return [
            Examined(
                self.examination.part,
                Finding(each.status, each.check, clean(each.found), clean(each.fix)),
            )
            for each in found
        ]

    def _work(self) -> None:
        try:
            asyncio.run(self._look())
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever a plugin raises
            if not self._late:
                self._found.append(self._failed(describe(error)))

    async def _look(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 - this runs in one
        self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        loop.set_exception_handler(_untold)
        findings = self.examination.look()
        async with _closing(findings):
            async for finding in findings:
                if self._late:
                    return
                if not isinstance(finding, Finding):
                    message = f"it yields {type(finding).__name__}, which is no Finding"
                    self._found.append(self._failed(message))
                    return
                self._found.append(finding)

    def _failed(self, what: str) -> Finding:
        return Finding.error(
            DIAGNOSIS,
            f"the diagnosis of {self._plugin} failed: {what}",
            fix=f"report it to the authors of {self.examination.origin}",
        )

    def _too_late(self, found: Sequence[Finding]) -> Finding:
        last = f"; it ended with: {found[-1].check}" if found else ""
        return Finding.error(
            DIAGNOSIS,
            f"the diagnosis of {self._plugin} was not done within {self.seconds:g} s{last}",
            fix=f"gatewright doctor --seconds {3 * self.seconds:g}",
        )

    @property
    def _plugin(self) -> str:
        return f"{self.examination.part} ({self.examination.origin})"


def _untold(_loop: asyncio.AbstractEventLoop, _context: dict[str, Any]) -> None:
    """Log nothing of what a client's own tasks end with: findings say what is wrong."""


@asynccontextmanager
async def _closing(findings: AsyncIterator[Finding]) -> AsyncIterator[None]:
    """Close an async generator at the end; iterators of other kinds close themselves."""
    try:
        yield
    finally:
        if isinstance(findings, AsyncGenerator):
            await findings.aclose()
