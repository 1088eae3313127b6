"""WebSocket clients that count what they hear, and speak frames that were made before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, cast

from bench.prepared import upgrade
from gatewright.testing.ports import LOOPBACK

__all__ = ["Client", "clients"]

_SMALL: Final = 126
_STAMP: Final = b'"t":'


class Client(asyncio.Protocol):
    """Counts text frames; where they carry a stamp, notes how long they took.

    Attributes:
        heard: How many frames came.
        received: How many bytes.
        seconds: What each stamped one took.
    """

    def __init__(self, path: str, *, stamped: bool, extensions: str = "") -> None:
        self.heard = self.received = 0
        self.seconds: list[float] = []
        self.opened = asyncio.get_running_loop().create_future()
        self._request = upgrade(path, extensions)
        self._stamped = stamped
        self._wanted = 0
        self._enough: asyncio.Future[None] | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits that nothing more will come."""
        for waiting in (self.opened, self._enough):
            if waiting is not None and not waiting.done():
                waiting.set_exception(exc or ConnectionError("the gateway hung up"))

    def data_received(self, data: bytes) -> None:
        """Count the frames that are complete."""
        self.received += len(data)
        buffer = self._buffer + data if self._buffer else data
        at = 0
        if not self.opened.done():
            at = buffer.find(b"\r\n\r\n") + 4
            if at < 4:  # noqa: PLR2004 - not found yet
                self._buffer = buffer
                return
            self.opened.set_result(None)
        end, length = len(buffer), 0
        while end - at >= 2:  # noqa: PLR2004 - a head's least size
            length, body = buffer[at + 1], at + 2
            if length == _SMALL:
                length, body = int.from_bytes(buffer[at + 2 : at + 4]), at + 4
            if body + length > end:
                break
            self.heard += 1
            if self._stamped:
                self._note(buffer[body : body + length])
            at = body + length
        self._buffer = buffer[at:]
        if self._enough is not None and self.heard >= self._wanted and not self._enough.done():
            self._enough.set_result(None)

    def _note(self, frame: bytes) -> None:
        _, _, rest = frame.partition(_STAMP)
        digits = rest.split(b"}", 1)[0]
        self.seconds.append(time.monotonic() - int(digits) / 1e9)

    async def until(self, count: int) -> None:
        """Wait until so many frames came."""
        if self.heard < count:
            self._wanted = count
            self._enough = asyncio.get_running_loop().create_future()
            await self._enough


@asynccontextmanager
async def clients(
    port: int,
    number: int,
    *,
    user: str = "bench",
    stamped: bool = False,
    extensions: str = "",
) -> AsyncIterator[Sequence[Client]]:
    """Connect so many clients of one user, which offer these extensions."""
    loop = asyncio.get_running_loop()
    made: list[Client] = []
    try:
        for _ in range(number):
            _, client = await loop.create_connection(
                lambda: Client(f"/ws?user={user}", stamped=stamped, extensions=extensions),
                LOOPBACK,
                port,
            )
            await client.opened
            made.append(client)
        yield made
    finally:
        for client in made:
            client.transport.abort()
