"""One server process: started, asked whether it answers, frozen, killed, started again."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

__all__ = ["BrokerFailed", "ServerProcess", "find_program"]


class BrokerFailed(RuntimeError):
    """A server did not start, or is not installed; the text holds the end of what it said."""


def find_program(*names: str) -> str:
    """Return the first program there is.

    Raises:
        BrokerFailed: There is none of them.
    """
    for name in names:
        if (found := shutil.which(name)) is not None:
            return found
    message = f"{names[0]} is not installed"
    raise BrokerFailed(message)


class ServerProcess:
    """A server in a process group of its own.

    Args:
        command: What starts it.
        environ: Its environment.
        log: The file that gets what it says.
        answers: Tells whether it can be used; may raise `OSError` while it cannot.
        seconds: How long it may take to start.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environ: Mapping[str, str],
        log: Path,
        answers: Callable[[], Awaitable[bool]],
        seconds: float,
    ) -> None:
        self._command = tuple(command)
        self._environ = dict(environ)
        self._log = log
        self._answers = answers
        self._seconds = seconds
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process that was started; its group has the same number."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            BrokerFailed: It ended, or does not answer in time.
        """
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environ,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            async with asyncio.timeout(self._seconds):
                while not await self._can_be_used():  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.02)
        except TimeoutError:
            await self.kill()
            why = "does not answer in time"
            raise BrokerFailed(self._told(why)) from None

    async def kill(self) -> None:
        """SIGKILL to the whole group, and wait for the end."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL where that does not end it within ten seconds."""
        self.thaw()
        await self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """SIGSTOP: connections stay open, and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    async def _can_be_used(self) -> bool:
        if not self.running:
            why = "ended"
            raise BrokerFailed(self._told(why))
        try:
            return await self._answers()
        except OSError:
            return False

    async def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._signal(number)
        try:
            async with asyncio.timeout(10):
                await self._process.wait()
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self._process.wait()
        self._signal(signal.SIGKILL)  # whatever it started and left behind

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _told(self, why: str) -> str:
        said = self._log.read_text(errors="replace")[-2000:]
        return f"{self._command[0]} {why}:\n{said}"
