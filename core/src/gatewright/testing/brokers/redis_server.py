"""A private redis-server."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from gatewright.testing.brokers.process import ServerProcess, find_program
from gatewright.testing.ports import LOOPBACK, free_port

__all__ = ["RedisServer"]

_START_SECONDS: Final = 20.0


class RedisServer:
    """A redis-server on a free loopback port, its data below a directory of its own.

    Attributes:
        port: Where it listens; the same after a restart.
        directory: Where it keeps its data.
    """

    def __init__(self, directory: Path, *, append_only: bool, options: tuple[str, ...]) -> None:
        self.port = free_port()
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        command = [find_program("redis-server"), "--port", str(self.port), "--bind", LOOPBACK]
        command += ["--dir", str(directory), "--save", "", "--appendonly"]
        command += ["yes" if append_only else "no", "--appendfsync", "always", *options]
        self._process = ServerProcess(
            command,
            environ=os.environ,
            log=directory / "server.log",
            answers=self._answers,
            seconds=_START_SECONDS,
        )

    @classmethod
    @asynccontextmanager
    async def start(
        cls, directory: Path, *, append_only: bool = False, options: tuple[str, ...] = ()
    ) -> AsyncIterator[RedisServer]:
        """Run a server until the end.

        Args:
            directory: Where its data goes.
            append_only: Whether data survives `kill`: every write is on the disk before its answer.
            options: More words for its command line.
        """
        server = cls(directory, append_only=append_only, options=options)
        try:
            await server.boot()
            yield server
        finally:
            await server.kill()

    @classmethod
    @asynccontextmanager
    async def absent(
        cls, directory: Path, *, append_only: bool = False, options: tuple[str, ...] = ()
    ) -> AsyncIterator[RedisServer]:
        """Keep a port for a server that `boot` starts later."""
        server = cls(directory, append_only=append_only, options=options)
        try:
            yield server
        finally:
            await server.kill()

    @property
    def dsn(self) -> str:
        """Its address."""
        return f"redis://{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    async def boot(self) -> None:
        """Start it; it must not be running."""
        await self._process.start()

    async def kill(self) -> None:
        """SIGKILL."""
        await self._process.kill()

    async def restart(self, *, wipe: bool = False) -> None:
        """Start it again on the same port, killed before if it runs.

        Args:
            wipe: Whether to begin with an empty data directory.
        """
        await self.kill()
        if wipe:
            self.wipe()
        await self.boot()

    def wipe(self) -> None:
        """Remove its data; it must not be running."""
        shutil.rmtree(self.directory / "appendonlydir", ignore_errors=True)
        for file in self.directory.glob("*.rdb"):
            file.unlink()

    def freeze(self) -> None:
        """SIGSTOP."""
        self._process.freeze()

    def thaw(self) -> None:
        """SIGCONT."""
        self._process.thaw()

    async def _answers(self) -> bool:
        reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
        try:
            writer.write(b"PING\r\n")
            return (await reader.readline()).startswith((b"+PONG", b"-NOAUTH"))
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
