"""A backend of the tests: a real HTTP server on loopback that answers what a test scripts."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET

import anyio

Step = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Received:
    """One request as it came in."""

    line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connection: int

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.headers]

    def __getitem__(self, name: str) -> str:
        (value,) = [value for each, value in self.headers if each.lower() == name.lower()]
        return value

    def __contains__(self, name: str) -> bool:
        return any(each.lower() == name.lower() for each, _ in self.headers)


def answer(status: int, *headers: str, body: bytes = b"") -> bytes:
    """Return a whole answer as bytes."""
    lines = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def drip(head: bytes, seconds: float = 0.02) -> Step:
    """Send ``head``, then one byte after the other without end."""

    async def step(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(seconds)

    return step


def reset_after(head: bytes) -> Step:
    """Send ``head``, then reset the connection."""

    async def step(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        await writer.drain()
        sock = writer.get_extra_info("socket")
        sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return step


def close_after(head: bytes) -> Step:
    """Send ``head``, then close the connection."""

    async def step(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        writer.close()

    return step


def blurt(words: bytes) -> Step:
    """Say something without having read anything, and read nothing either."""

    async def step(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()
        writer.write(words)
        await writer.wait_closed()

    return step


async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Answer nothing until the other side gives up."""
    await reader.read()


@dataclass
class Receiver:
    """Answers each request with the next step of its script, then with 200.

    With ``at_once`` it does that as soon as somebody connects, and reads nothing.
    """

    at_once: Step | None = None
    script: deque[bytes | Step] = field(default_factory=deque)
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    open_connections: int = 0
    port: int = 0
    scheme: str = "http"
    _closed: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/internal/ws/events"

    def will(self, *steps: bytes | Step) -> None:
        self.script.extend(steps)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        connection = self.connections
        try:
            if self.at_once is not None:
                await self.at_once(reader, writer)
            while self.at_once is None:
                self.received.append(await self._read(reader, connection))
                step = self.script.popleft() if self.script else answer(200)
                if isinstance(step, bytes):
                    writer.write(step)
                else:
                    await step(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the other side has gone, as many tests want it to
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()
            self.open_connections -= 1
            self._closed.set()

    async def closed_down_to(self, connections: int) -> None:
        """Wait until no more than so many connections are open."""
        with anyio.fail_after(5):
            while self.open_connections > connections:
                self._closed.clear()
                await self._closed.wait()

    async def _read(self, reader: asyncio.StreamReader, connection: int) -> Received:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        headers = tuple(
            (name, value) for name, _, value in (each.partition(": ") for each in lines)
        )
        length = next(int(value) for name, value in headers if name.lower() == "content-length")
        return Received(line, headers, await reader.readexactly(length), connection)


async def no_socket_to(port: int) -> None:
    """Wait until this process holds no open connection to a port; only the kernel knows."""
    with anyio.fail_after(5):
        while _sockets_to(port):
            await anyio.sleep(0.05)


def _sockets_to(port: int) -> int:
    time_wait = "06"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()]
    return sum(row[2].endswith(f":{port:04X}") and row[3] != time_wait for row in rows)


@asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Run a receiver on a free port."""
    receiver = Receiver(scheme="https" if tls else "http")
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(receiver.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
