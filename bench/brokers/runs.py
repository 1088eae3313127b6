"""The measurements: publications in, latency, events out."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from redis.asyncio import Redis

from bench.brokers.clients import clients
from bench.brokers.places import API_KEY, Brokers, Node, node, program
from bench.brokers.publishers import heap, publisher
from bench.client.measure import cpu_seconds
from bench.prepared import masked
from gatewright.testing.ports import LOOPBACK

__all__ = ["Figure", "bare", "events", "ingress", "latency"]

PATIENCE: Final = 120.0

_ACCEPTED: Final = 'gatewright_publications_total{result="accepted",transport="%s"}'
_DONE: Final = 'gatewright_sink_attempts_total{result="done",sink="%s"}'


@dataclass(frozen=True)
class Figure:
    """What one measurement found.

    Attributes:
        per_second: How many in a second.
        cpu_us: Microseconds of the gateway's CPU for each.
        p50: Milliseconds, where latency was measured.
        p99: Likewise.
    """

    per_second: float = 0.0
    cpu_us: float = 0.0
    p50: float = 0.0
    p99: float = 0.0


def _transports(brokers: Brokers, transport: str) -> str:
    dsn = {"redis_stream": brokers.redis.dsn, "rabbitmq": brokers.rabbitmq.dsn}.get(transport)
    options = f"api_keys: [{API_KEY}]" if dsn is None else f"dsn: '{dsn}'"
    return f"transports: {{{transport}: {{{options}}}}}"


async def ingress(
    folder: Path, brokers: Brokers, transport: str, *, connections: int, count: int
) -> Figure:
    """Publications that wait in the broker, until the last client has the last one.

    Without connections nobody hears them: what is measured then is the way to the hub alone.
    """
    sections = f"{_transports(brokers, transport)}\nevents: {{none: {{}}}}"
    async with (
        node(folder, f"in-{transport}-{connections}", sections) as gateway,
        clients(gateway.port, connections) as listeners,
    ):
        gateway.freeze()
        await heap(transport, brokers, count)
        cpu, began = cpu_seconds(gateway.pid), time.monotonic()
        gateway.thaw()
        async with asyncio.timeout(PATIENCE):
            for listener in listeners:
                await listener.until(count)
            while not listeners and await _metric(gateway, _ACCEPTED % transport) < count:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)
        wall = time.monotonic() - began
        spent = cpu_seconds(gateway.pid) - cpu
    return Figure(count / wall, spent / count * 1e6)


async def bare(folder: Path, brokers: Brokers, transport: str, *, count: int) -> Figure:
    """The same publications through a loop that does nothing else."""
    which = "redis" if transport == "redis_stream" else "rabbitmq"
    dsn = brokers.redis.dsn if which == "redis" else brokers.rabbitmq.dsn
    if which == "redis":
        async with Redis.from_url(dsn) as client:
            await client.delete("ws.outbox")
    await heap(transport, brokers, count)
    command = [sys.executable, "-m", "bench.brokers.bare", which, dsn, str(count)]
    async with program(folder, f"bare-{which}", command) as process:
        async with asyncio.timeout(PATIENCE):
            said, _ = await process.communicate()
    cpu, wall = map(float, said.split())
    return Figure(count / wall, cpu / count * 1e6)


async def latency(
    folder: Path,
    brokers: Brokers,
    transport: str,
    bus: str,
    *,
    nodes: int,
    rate: float,
    seconds: float,
) -> Figure:
    """From the moment of publishing to the client, at a rate that strains nobody."""
    dsn = {"redis": brokers.redis.dsn, "rabbitmq": brokers.rabbitmq.dsn}.get(bus)
    options = "{}" if dsn is None else f"{{dsn: '{dsn}'}}"
    sections = (
        f"{_transports(brokers, transport)}\nevents: {{none: {{}}}}\nbus: {{{bus}: {options}}}"
    )
    async with AsyncExitStack() as stack:
        running: list[Node] = []
        for number in range(nodes):
            name = f"late-{transport}-{bus}-{number}"
            running.append(await stack.enter_async_context(node(folder, name, sections)))
        (listener,) = await stack.enter_async_context(
            clients(running[-1].port, 1, stamped=True)  # published at the first, heard at the last
        )
        publish = await stack.enter_async_context(publisher(transport, brokers, running[0].port))
        spent = sum(cpu_seconds(each.pid) for each in running)
        count = int(rate * seconds)
        began = time.monotonic()
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            await publish()
        async with asyncio.timeout(PATIENCE):
            await listener.until(count)
        spent = sum(cpu_seconds(each.pid) for each in running) - spent
    parts = statistics.quantiles(listener.seconds, n=100)
    return Figure(rate, spent / count * 1e6, parts[49] * 1000, parts[98] * 1000)


_SINKS: Final = {
    "redis_stream": "redis_stream: {{dsn: '{redis}'}}",
    "rabbitmq": "rabbitmq: {{dsn: '{rabbitmq}'}}",
    "webhook": "webhook: {{url: '{webhook}'}}",
    "none": "none: {{}}",
}


async def events(
    folder: Path, brokers: Brokers, sink: str, *, connections: int, count: int, webhook: str
) -> Figure:
    """Client messages, from the first sent until the sink has taken the last."""
    options = _SINKS[sink].format(
        redis=brokers.redis.dsn, rabbitmq=brokers.rabbitmq.dsn, webhook=webhook
    )
    sections = (
        f"transports: {{http: {{api_keys: [{API_KEY}]}}}}\nevents: {{{options}}}\n"
        "lanes: {max_age: 120}"
    )
    each = count // connections
    frames = masked('{"text":"hello world","n":1}') * each
    async with (
        node(folder, f"out-{sink}", sections) as gateway,
        clients(gateway.port, connections) as speakers,
    ):
        before = await _taken(gateway, sink)
        cpu, began = cpu_seconds(gateway.pid), time.monotonic()
        for speaker in speakers:
            speaker.transport.write(frames)
        async with asyncio.timeout(PATIENCE):
            while await _taken(gateway, sink) - before < each * connections:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        wall = time.monotonic() - began
        spent = cpu_seconds(gateway.pid) - cpu
    return Figure(each * connections / wall, spent / (each * connections) * 1e6)


async def _taken(gateway: Node, sink: str) -> float:
    """Return how many events the sink has taken, the comings of the clients included."""
    return await _metric(gateway, _DONE % sink)


async def _metric(gateway: Node, series: str) -> float:
    reader, writer = await asyncio.open_connection(LOOPBACK, gateway.port)
    try:
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
        text = (await reader.read()).decode()
    finally:
        writer.close()
    return next((float(line.split()[-1]) for line in text.splitlines() if series in line), 0.0)
