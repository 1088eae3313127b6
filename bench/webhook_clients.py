"""Which HTTP client posts webhooks at the least cost?

Measures requests per second and CPU per request of one process against a receiver in another that
does next to nothing, with 64 connections kept alive:

    python bench/webhook_clients.py [--requests 1500] [--rounds 3] [--uvloop]

The candidates take turns in every round, so that a busy moment of the machine hits all of them;
the last table holds the medians and their ratio to httpx's own transport.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from hmac import digest
from typing import cast

import aiohttp
import httpx
import structlog
import uvloop
import yarl
from httpx_aiohttp import AiohttpTransport
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from gatewright import Done, Event, PluginContext
from gatewright_events_webhook import WebhookSettings, gatewright_events

CONNECTIONS = 64
SECRET = "topsecret"  # noqa: S105 - made up
BODY = (
    b'{"type":"message_received","connection_id":"2b0a6f0e-3b5c-4f38-9d2c-5f5b0c6f7a11",'
    b'"user_id":"42","subjects":["user:42"],"connected_at":1700000000,'
    b'"message":{"text":"hello"},"raw":"{\\"text\\":\\"hello\\"}"}'
)

Post = Callable[[int], Awaitable[bool]]


class Receiver(asyncio.Protocol):
    """Answers 200 to whatever is posted, looking only at ``Content-Length``."""

    ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        """Answer each complete request."""
        buffer = self._buffer + data
        while (end := buffer.find(b"\r\n\r\n")) >= 0:
            head = buffer[:end].lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(buffer) < end + 4 + length:
                break
            buffer = buffer[end + 4 + length :]
            self._transport.write(self.ANSWER)
        self._buffer = buffer


async def receive() -> None:
    """Serve on a free port, whose number is printed."""
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def receiver_url() -> Iterator[str]:
    """Run a receiver in a process of its own."""
    command = [sys.executable, __file__, "--receive"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/internal/ws/events"
        finally:
            process.terminate()


def headers(number: int) -> list[tuple[str, str]]:
    """Return the headers every candidate sends, signature included."""
    return [
        ("Content-Type", "application/json"),
        ("Accept-Encoding", "identity"),
        ("Webhook-Id", f"evt-{number}"),
        ("X-Webhook-Seq", str(number)),
        ("X-Webhook-Signature", "sha256=" + digest(SECRET.encode(), BODY, "sha256").hex()),
    ]


def session() -> aiohttp.ClientSession:
    """Return an aiohttp session as a webhook needs it."""
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


@asynccontextmanager
async def through_client(url: str, client: httpx.AsyncClient) -> AsyncIterator[Post]:
    """Post through all layers of `httpx.AsyncClient`."""
    target = httpx.URL(url)

    async def post(number: int) -> bool:
        answer = await client.post(target, headers=headers(number), content=BODY)
        return answer.is_success

    async with client:
        yield post


def httpx_own(url: str) -> AbstractAsyncContextManager[Post]:
    """Return httpx with its own transport."""
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    return through_client(url, httpx.AsyncClient(limits=limits, trust_env=False))


def httpx_aiohttp(url: str) -> AbstractAsyncContextManager[Post]:
    """Return httpx with the aiohttp transport."""
    transport = AiohttpTransport(client=session, trust_env=False)
    return through_client(url, httpx.AsyncClient(transport=transport, trust_env=False))


@asynccontextmanager
async def transport_only(url: str) -> AsyncIterator[Post]:
    """Post through the aiohttp transport of httpx without a client around it."""
    target = httpx.URL(url)
    async with AiohttpTransport(client=session, trust_env=False) as transport:

        async def post(number: int) -> bool:
            request = httpx.Request("POST", target, headers=headers(number), content=BODY)
            answer = await transport.handle_async_request(request)
            await answer.aread()
            await answer.aclose()
            return answer.is_success

        yield post


@asynccontextmanager
async def plain_aiohttp(url: str) -> AsyncIterator[Post]:
    """Post through aiohttp without httpx."""
    target = yarl.URL(url)
    async with session() as client:

        async def post(number: int) -> bool:
            async with client.post(target, headers=headers(number), data=BODY) as answer:
                await answer.read()
                return answer.ok

        yield post


@asynccontextmanager
async def the_sink(url: str) -> AsyncIterator[Post]:
    """Post through the plugin as the gateway calls it."""
    settings = WebhookSettings(url=SecretStr(url), secret=SecretStr(SECRET))
    context = PluginContext(
        name="webhook",
        log=structlog.get_logger(),
        metrics=CollectorRegistry(),
        node_id="bench",
        spawn=lambda *_: None,
    )
    async with gatewright_events().open(settings, context) as sink:

        async def post(number: int) -> bool:
            event = Event(
                type="message_received",
                id=f"evt-{number}",
                seq=number,
                connection_id="2b0a6f0e-3b5c-4f38-9d2c-5f5b0c6f7a11",
                user_id="42",
                body=BODY,
                occurred_at=0.0,
            )
            return await sink.send([event]) == [Done()]

        yield post


CANDIDATES: dict[str, Callable[[str], AbstractAsyncContextManager[Post]]] = {
    "httpx": httpx_own,
    "httpx + aiohttp transport": httpx_aiohttp,
    "aiohttp transport alone": transport_only,
    "aiohttp": plain_aiohttp,
    "events_webhook": the_sink,
}


@dataclass(frozen=True)
class Figure:
    """What one run gave."""

    per_second: float
    cpu_microseconds: float


async def measure(candidate: str, url: str, requests: int) -> Figure:
    """Post ``requests`` times over warm connections."""
    async with CANDIDATES[candidate](url) as post:
        numbers = iter(range(requests))

        async def work() -> None:
            for number in numbers:
                assert await post(number)

        assert all(await asyncio.gather(*(post(number) for number in range(CONNECTIONS))))
        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Figure(requests / wall, cpu / requests * 1e6)


def report(figures: dict[str, list[Figure]]) -> None:
    """Print the medians, and how they stand to the first candidate's."""

    def median(name: str) -> Figure:
        return Figure(
            statistics.median(figure.per_second for figure in figures[name]),
            statistics.median(figure.cpu_microseconds for figure in figures[name]),
        )

    base = median(next(iter(figures)))
    print(f"{'client':<28}{'requests/s':>12}{'CPU µs each':>14}{'times httpx':>14}")
    for name in figures:
        figure = median(name)
        times = base.cpu_microseconds / figure.cpu_microseconds
        print(f"{name:<28}{figure.per_second:>12.0f}{figure.cpu_microseconds:>14.0f}{times:>14.1f}")


def main() -> None:
    """Run the rounds and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1500, help="per candidate and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--uvloop", action="store_true", help="measure on uvloop")
    parser.add_argument("--receive", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.receive:
        uvloop.run(receive())
        return
    run = uvloop.run if options.uvloop else asyncio.run
    figures: dict[str, list[Figure]] = {name: [] for name in CANDIDATES}
    with receiver_url() as url:
        for number in range(1, options.rounds + 1):
            for name, results in figures.items():
                results.append(run(measure(name, url, options.requests)))
            line = ", ".join(f"{name} {all_[-1].per_second:.0f}" for name, all_ in figures.items())
            print(f"round {number}, requests/s: {line}")
    print(f"\n{CONNECTIONS} connections, {os.cpu_count()} cores, medians of the rounds:")
    report(figures)


if __name__ == "__main__":
    main()
