"""A private rabbitmq-server with an epmd, a cookie and a data directory of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from gatewright.testing.brokers.process import BrokerFailed, ServerProcess, find_program
from gatewright.testing.ports import LOOPBACK, free_ports

__all__ = ["RabbitServer", "VirtualHost"]

_START_SECONDS: Final = 90.0
_PROGRAMS: Final = Path("/usr/lib/rabbitmq/bin")  # those on PATH change the user
_QUIET: Final = "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none"  # or it eats a core while idle


@dataclass(frozen=True, slots=True)
class VirtualHost:
    """A virtual host of a running server.

    Attributes:
        name: Its name.
        dsn: Its address, for the user ``guest``.
    """

    name: str
    dsn: str


class RabbitServer:
    """A rabbitmq-server on free loopback ports.

    Attributes:
        port: Where it listens; the same after a restart.
        directory: Where everything of it is.
    """

    def __init__(self, directory: Path, *, config: str = "") -> None:
        self.directory = directory
        self.port, self._distribution, self._epmd_port = free_ports(3)
        self._numbers = count(1)
        self._environ = self._prepare(config)
        server = _PROGRAMS / "rabbitmq-server"
        self._process = ServerProcess(
            [str(server) if server.exists() else find_program("rabbitmq-server")],
            environ=self._environ,
            log=directory / "server.log",
            answers=self._answers,
            seconds=_START_SECONDS,
        )
        self._epmd: subprocess.Popen[bytes] | None = None

    @classmethod
    @asynccontextmanager
    async def start(cls, directory: Path, *, config: str = "") -> AsyncIterator[RabbitServer]:
        """Run a server until the end; it takes 5–10 seconds to boot.

        Args:
            directory: A directory of its own.
            config: Lines for its ``rabbitmq.conf``.
        """
        server = cls(directory, config=config)
        with server.names_served():
            try:
                await server.boot()
                yield server
            finally:
                await server.kill()

    @property
    def dsn(self) -> str:
        """Its address: virtual host ``/``, user ``guest``."""
        return f"amqp://guest:guest@{LOOPBACK}:{self.port}/"

    @property
    def pid(self) -> int:
        """The process that leads its group."""
        return self._process.pid

    @contextmanager
    def names_served(self) -> Iterator[None]:
        """Run the epmd that it and its tools find each other by."""
        self._epmd = subprocess.Popen(  # noqa: S603 - our own words
            [_epmd(), "-address", LOOPBACK, "-port", str(self._epmd_port)],
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield
        finally:
            self._epmd.kill()
            self._epmd.wait()

    async def boot(self) -> None:
        """Start it; it must not be running."""
        await self._process.start()

    async def kill(self) -> None:
        """SIGKILL to the Erlang machine and all it started."""
        await self._process.kill()

    async def restart(self, *, wipe: bool = False) -> None:
        """Start it again on the same port, killed before if it runs.

        Args:
            wipe: Whether to forget its data.
        """
        await self.kill()
        if wipe:
            shutil.rmtree(self.directory / "mnesia", ignore_errors=True)
        await self.boot()

    def freeze(self) -> None:
        """SIGSTOP: connections stay open, and nothing answers."""
        self._process.freeze()

    def thaw(self) -> None:
        """SIGCONT."""
        self._process.thaw()

    async def ctl(self, *words: str) -> str:
        """Run ``rabbitmqctl`` and return what it printed.

        Raises:
            BrokerFailed: It failed.
        """
        program = _PROGRAMS / "rabbitmqctl"
        process = await asyncio.create_subprocess_exec(
            str(program) if program.exists() else find_program("rabbitmqctl"),
            "-q",
            *words,
            env=self._environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        if process.returncode != 0:
            message = f"rabbitmqctl {' '.join(words)}: {said.decode(errors='replace')}"
            raise BrokerFailed(message)
        return said.decode()

    @asynccontextmanager
    async def vhost(self) -> AsyncIterator[VirtualHost]:
        """Make a virtual host, and delete it with all it holds at the end."""
        name = f"test-{os.getpid()}-{next(self._numbers)}"
        script = (
            f'rabbit_vhost:add(<<"{name}">>, <<"test">>), '
            f'rabbit_auth_backend_internal:set_permissions(<<"guest">>, <<"{name}">>, '
            '<<".*">>, <<".*">>, <<".*">>, <<"test">>).'
        )
        await self.ctl("eval", script)
        try:
            yield VirtualHost(name, f"amqp://guest:guest@{LOOPBACK}:{self.port}/{name}")
        finally:
            await self.ctl("eval", f'rabbit_vhost:delete(<<"{name}">>, <<"test">>).')

    def _prepare(self, config: str) -> dict[str, str]:
        home = self.directory
        home.mkdir(parents=True, exist_ok=True)
        (home / "rabbitmq.conf").write_text(f"loopback_users = none\n{config}\n")
        (home / "enabled_plugins").write_text("[].\n")
        (home / "env.conf").write_text("")
        return {
            **os.environ,
            "HOME": str(home),  # the cookie's place
            "ERL_CRASH_DUMP": str(home / "erl_crash.dump"),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "RABBITMQ_NODENAME": f"gatewright{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            "RABBITMQ_PID_FILE": str(home / "server.pid"),
            "RABBITMQ_CONF_ENV_FILE": str(home / "env.conf"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _QUIET,
        }

    async def _answers(self) -> bool:
        """Tell whether it greets, as AMQP 0-9-1 has it: ``Connection.Start``, a method frame."""
        reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
        try:
            writer.write(b"AMQP\x00\x00\x09\x01")
            return (await asyncio.wait_for(reader.read(1), 5)) == b"\x01"
        except TimeoutError:
            return False
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


def _epmd() -> str:
    bundled = sorted(Path("/usr/lib/erlang").glob("erts-*/bin/epmd"))
    return str(bundled[-1]) if bundled else find_program("epmd")
