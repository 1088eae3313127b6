"""A demonstration from its start to its end."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, Literal

import yaml
from scripts.demo import brokers
from scripts.demo.errors import DemoError
from scripts.demo.plan import Plan
from scripts.demo.processes import Child, Family

__all__ = ["ROOT", "staged"]

ROOT: Final = Path(__file__).parents[2]

_GATEWAY_PORT: Final = 8180
_BACKEND_PORT: Final = 9000


@asynccontextmanager
async def staged(
    broker: Literal["none", "redis", "rabbitmq"], nodes: int, folder: Path
) -> AsyncIterator[tuple[Plan, Family]]:
    """Run broker, gateways and backend until the end; all are ready when this yields.

    Args:
        broker: What they speak through.
        nodes: How many gateways.
        folder: Where their files and logs go; must not be there.

    Raises:
        DemoError: Something cannot be started.
    """
    async with AsyncExitStack() as stack:
        _prepare(folder)
        used = None
        if broker != "none":
            used = await stack.enter_async_context(brokers.running(broker, folder))
        ports = _ports(nodes)
        plan = Plan(folder=folder, broker=used, gateway_ports=ports[:-1], backend_port=ports[-1])
        family = await stack.enter_async_context(Family())
        await _start(plan, family)
        yield plan, family


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, mode=0o700)
    except OSError as error:
        message = f"{folder}: {error.strerror}"
        raise DemoError(message) from error


async def _start(plan: Plan, family: Family) -> None:
    await _make_keys(plan)
    starting = [await _start_gateway(plan, family, number) for number in range(len(plan.gateways))]
    backend = await family.start(
        "backend",
        [sys.executable, "-m", "demo_backend"],
        plan.folder / "backend.log",
        plan.backend_environ() | {"PYTHONPATH": str(ROOT / "examples" / "backend" / "src")},
    )
    urls = [f"{url}/ready" for url in plan.gateways]
    await asyncio.gather(
        backend.answers(f"{plan.backend}/api/ping"),
        *(child.answers(url) for child, url in zip(starting, urls, strict=True)),
    )


async def _start_gateway(plan: Plan, family: Family, number: int) -> Child:
    name = f"gateway-{number + 1}"
    file = plan.folder / f"{name}.yaml"
    file.touch(mode=0o600)
    file.write_text(yaml.safe_dump(plan.gateway_config(number), sort_keys=False))
    return await family.start(
        name,
        [sys.executable, "-m", "gatewright", "serve", "-c", str(file)],
        plan.folder / f"{name}.log",
        {"STATE_DIRECTORY": str(plan.folder / name)},
    )


async def _make_keys(plan: Plan) -> None:
    """Make the pair of keys that tokens are signed and checked with."""
    making = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gatewright", "keys", "--out", str(plan.private_key.parent)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await making.communicate()
    if making.returncode != 0:
        message = f"no keys could be made: {said.decode(errors='replace').strip()}"
        raise DemoError(message)


def _ports(nodes: int) -> tuple[int, ...]:
    """Return a port for each node and one for the backend: the usual ones where they are free."""
    wanted = [_GATEWAY_PORT + 10 * number for number in range(nodes)]
    held: list[socket.socket] = []
    try:
        for port in [*wanted, _BACKEND_PORT]:
            held.append(_hold(port))  # noqa: PERF401 - those held are closed where one fails
        return tuple(each.getsockname()[1] for each in held)
    finally:
        for each in held:
            each.close()


def _hold(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError:
        other = socket.create_server(("127.0.0.1", 0))
        print(f"port {port} is in use; taking {other.getsockname()[1]}", flush=True)
        return other
