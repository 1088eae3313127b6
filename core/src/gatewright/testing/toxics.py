"""A TCP proxy that makes the network between two parts bad: slow, silent, cut, reset."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from gatewright.testing.ports import LOOPBACK

__all__ = ["ToxicProxy"]

_CHUNK: Final = 65536
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST


class ToxicProxy:
    """Forwards connections to one address, as badly as it is told to.

    What is set holds for connections that are open and for those to come, until `heal`.

    Attributes:
        port: Where it listens.
        connections: How many were accepted so far.
    """

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self.connections = 0
        self._target = (host, port)
        self._latency = 0.0
        self._bytes_per_second: float | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._refusing = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def to(cls, host: str, port: int) -> AsyncIterator[ToxicProxy]:
        """Forward to ``host:port`` until the end."""
        proxy = cls(host, port)
        server = await asyncio.start_server(proxy._accept, LOOPBACK, 0)
        proxy.port = server.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            server.close()
            proxy.reset()
            proxy._flowing.set()
            for task in tuple(proxy._tasks):
                task.cancel()
            await asyncio.gather(*proxy._tasks, return_exceptions=True)

    def latency(self, seconds: float) -> None:
        """Hold every piece of data back for so long, in both directions."""
        self._latency = seconds

    def bandwidth(self, bytes_per_second: float) -> None:
        """Let no more than so much through, for each connection and direction."""
        self._bytes_per_second = bytes_per_second

    def stall(self) -> None:
        """Forward nothing more; connections stay open, new ones are accepted and say nothing."""
        self._flowing.clear()

    def cut(self) -> None:
        """Reset all connections, and every new one at once."""
        self._refusing = True
        self.reset()

    def reset(self) -> None:
        """Reset all connections; new ones are fine."""
        for writer in tuple(self._writers):
            _reset(writer)

    def heal(self) -> None:
        """Forward well again."""
        self._latency = 0.0
        self._bytes_per_second = None
        self._refusing = False
        self._flowing.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            if self._refusing:
                _reset(writer)
                return
            await self._connect(reader, writer)
        except (OSError, asyncio.CancelledError):
            _reset(writer)
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        other_reader, other_writer = await asyncio.open_connection(*self._target)
        self._writers.add(other_writer)
        try:
            there = asyncio.ensure_future(self._pump(reader, other_writer))
            back = asyncio.ensure_future(self._pump(other_reader, writer))
            try:
                await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.wait({there, back}, timeout=1.0)
            finally:
                for task in (there, back):
                    task.cancel()
                await asyncio.gather(there, back, return_exceptions=True)
        finally:
            self._writers.discard(other_writer)
            other_writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                if self._latency:
                    await asyncio.sleep(self._latency)
                if self._bytes_per_second is not None:
                    await asyncio.sleep(len(data) / self._bytes_per_second)
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
