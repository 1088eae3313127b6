"""The private brokers and gateways that are measured."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.cores import CLIENT, SERVER, pinned
from bench.processes import ROOT, ServerFailed
from gatewright.testing.brokers.rabbitmq_server import RabbitServer
from gatewright.testing.brokers.redis_server import RedisServer
from gatewright.testing.ports import LOOPBACK, free_port

__all__ = ["API_KEY", "Brokers", "Node", "brokers", "node", "program"]

API_KEY: Final = "bench-key"
START_SECONDS: Final = 30.0

_CONFIGURATION: Final = """\
server: {{bind: "{bind}", node_id: {name}{server}}}
auth: {{anonymous: {{}}}}
rate_limit: {{token_bucket: {{per_second: 0}}}}
logging: {{level: warning}}
{sections}
"""


@dataclass(frozen=True)
class Brokers:
    """The brokers of one run, on the load generator's core."""

    redis: RedisServer
    rabbitmq: RabbitServer


@dataclass(frozen=True)
class Node:
    """A gateway, or another program that is measured, on the servers' core."""

    name: str
    pid: int
    port: int = 0

    def freeze(self) -> None:
        """SIGSTOP."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)


@asynccontextmanager
async def brokers(folder: Path) -> AsyncIterator[Brokers]:
    """Run one of each until the end."""
    with pinned(CLIENT):
        async with (
            RedisServer.start(folder / "redis") as redis,
            RabbitServer.start(folder / "rabbitmq") as rabbitmq,
        ):
            yield Brokers(redis, rabbitmq)


@asynccontextmanager
async def node(folder: Path, name: str, sections: str, *, server: str = "") -> AsyncIterator[Node]:
    """Run a gateway until the end; it is ready when this begins.

    Args:
        folder: For its files.
        name: Its node id.
        sections: Of its configuration, beside those that all have.
        server: Further options of the section `server`, in YAML's short form.

    Raises:
        ServerFailed: It did not become ready.
    """
    port = free_port()
    path = folder / f"{name}.yaml"
    bind, more = f"{LOOPBACK}:{port}", f", {server}" if server else ""
    text = _CONFIGURATION.format(bind=bind, name=name, sections=sections, server=more)
    path.write_text(text, encoding="utf-8")
    command = [str(Path(sys.executable).with_name("gatewright")), "serve", "-c", str(path)]
    async with program(folder, name, command) as process:
        await _ready(folder / f"{name}.log", name, process, port)
        yield Node(name, process.pid, port)


@asynccontextmanager
async def program(
    folder: Path, name: str, command: list[str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program on the servers' core until the end; its output is piped."""
    environment = {**os.environ, "STATE_DIRECTORY": str(folder / f"{name}.state")}
    environment["PYTHONPATH"] = str(ROOT)
    with (folder / f"{name}.log").open("wb") as log, pinned(SERVER):
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=log, env=environment
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
            process.kill()
        await process.wait()


async def _ready(log: Path, name: str, process: asyncio.subprocess.Process, port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while not await _answers_ready(port):
        if process.returncode is not None or time.monotonic() > until:
            raise ServerFailed(name, _text(log))
        await asyncio.sleep(0.05)


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8")


async def _answers_ready(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return False
    try:
        writer.write(b"GET /ready HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        return b" 200 " in head.split(b"\r\n", 1)[0] and bool(json.loads(body)["ready"])
    except (OSError, ValueError):
        return False
    finally:
        writer.close()
