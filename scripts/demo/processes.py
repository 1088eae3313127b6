"""The processes of a demonstration: started together, looked after, ended together."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import httpx
from scripts.demo.errors import DemoError

__all__ = ["Child", "Family"]

_START_SECONDS: Final = 60.0
_END_SECONDS: Final = 12.0
_SHOWN_BYTES: Final = 3_000


class Child:
    """A process in a group of its own, so that Ctrl-C is for its parent alone."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process

    @classmethod
    async def start(
        cls, name: str, command: Sequence[str], log: Path, environ: Mapping[str, str]
    ) -> Child:
        """Start it; what it says goes into its log."""
        with log.open("wb") as said:
            process = await asyncio.create_subprocess_exec(
                *command,
                env={**os.environ, **environ},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        return cls(name, process, log)

    async def answers(self, url: str) -> None:
        """Wait until a request for ``url`` is answered with 200.

        Raises:
            DemoError: It ended before, or does not answer in time.
        """
        ended = asyncio.create_task(self._process.wait())
        answered = asyncio.create_task(_answered(url))
        try:
            await asyncio.wait(
                {ended, answered}, timeout=_START_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if not answered.done():
                raise self._failure("ended" if ended.done() else "does not answer")
        finally:
            ended.cancel()
            answered.cancel()

    async def ended(self) -> DemoError:
        """Wait until it is over; return what to say about that."""
        await self._process.wait()
        return self._failure("ended")

    def _failure(self, why: str) -> DemoError:
        """Return an error that shows the end of the log."""
        said = self.log.read_bytes()[-_SHOWN_BYTES:].decode(errors="replace").strip()
        return DemoError(f"the {self.name} {why}; its log {self.log} says:\n{said}")

    async def end(self) -> None:
        """SIGTERM, and SIGKILL where that does not end it in time."""
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


class Family:
    """All of them."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """End all; gateways first, so that the backend hears of their last connections."""
        for child in self._children:
            await child.end()

    async def start(
        self, name: str, command: Sequence[str], log: Path, environ: Mapping[str, str]
    ) -> Child:
        """Start one more."""
        child = await Child.start(name, command, log, environ)
        self._children.append(child)
        return child

    async def one_ended(self) -> DemoError:
        """Wait until any of them is over, which none should be."""
        waiting = [asyncio.create_task(child.ended()) for child in self._children]
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for task in waiting:
                task.cancel()


async def _answered(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
        while True:
            with suppress(httpx.HTTPError):
                if (await client.get(url)).status_code == httpx.codes.OK:
                    return
            await asyncio.sleep(0.05)
