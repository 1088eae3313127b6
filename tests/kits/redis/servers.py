"""Redis servers in shapes that need more than one line."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.support.certificates import Certificates

from gatewright.testing.brokers.process import ServerProcess, find_program
from gatewright.testing.brokers.redis_server import RedisServer
from gatewright.testing.ports import LOOPBACK, free_port


@asynccontextmanager
async def one_node_cluster(folder: Path) -> AsyncIterator[RedisServer]:
    """A cluster of one node that has all slots."""
    async with RedisServer.start(folder, options=("--cluster-enabled", "yes")) as server:
        await command(server.port, "CLUSTER ADDSLOTSRANGE 0 16383")
        while b"cluster_state:ok" not in await command(server.port, "CLUSTER INFO"):
            await asyncio.sleep(0.02)
        yield server


@asynccontextmanager
async def sentinel_of(server: RedisServer, folder: Path) -> AsyncIterator[int]:
    """A sentinel that calls ``server`` "main"; yields its port."""
    port = free_port()
    config = _sentinel_config(server, folder, port)
    process = ServerProcess(
        [find_program("redis-server"), str(config), "--sentinel"],
        environ=os.environ,
        log=folder / "sentinel.log",
        answers=_answering(port),
        seconds=20,
    )
    await process.start()
    try:
        yield port
    finally:
        await process.kill()


@asynccontextmanager
async def with_tls(folder: Path, certificates: Certificates) -> AsyncIterator[int]:
    """A server that speaks TLS, with ``certificates``; yields its TLS port."""
    port = free_port()
    options = ("--tls-port", str(port), "--tls-auth-clients", "no")
    options += ("--tls-cert-file", str(certificates.server))
    options += ("--tls-key-file", str(certificates.server))
    options += ("--tls-ca-cert-file", str(certificates.authority))
    async with RedisServer.start(folder, options=options):
        yield port


async def command(port: int, line: str) -> bytes:
    """Send one inline command and return the start of its answer."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(f"{line}\r\n".encode())
        return await reader.read(4096)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _answering(port: int) -> Callable[[], Awaitable[bool]]:
    async def answers() -> bool:
        return (await command(port, "PING")).startswith(b"+PONG")

    return answers


def _sentinel_config(server: RedisServer, folder: Path, port: int) -> Path:
    folder.mkdir()
    config = folder / "sentinel.conf"
    config.write_text(
        f"port {port}\nbind {LOOPBACK}\ndir {folder}\n"
        f"sentinel monitor main {LOOPBACK} {server.port} 1\n"
    )
    return config
