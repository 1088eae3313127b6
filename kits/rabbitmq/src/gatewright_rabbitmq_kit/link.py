"""One plain connection whose end is always bounded in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import anyio
from aiormq.channel import Channel
from aiormq.connection import Connection

from gatewright_rabbitmq_kit.deadlines import Deadline
from gatewright_rabbitmq_kit.errors import UNAVAILABLE
from gatewright_rabbitmq_kit.sockets import Sockets

__all__ = ["Link"]

_CLOSE_SECONDS: Final = 2.5
_ABORT_SECONDS: Final = 1.0
_FRAMES: Final = 512


class Link:
    """A connection that is open, or was. It is never mended: make a new one.

    Attributes:
        connection: The client's connection, for everything that is not here.
        timeout: What one call may take, in seconds.
    """

    def __init__(self, connection: Connection, sockets: Sockets, timeout: float) -> None:
        self.connection = connection
        self.timeout = timeout
        self._sockets = sockets
        self._aborted = False

    @property
    def lost(self) -> bool:
        """Whether the connection has ended."""
        return self._aborted or not self.connection.is_opened

    @property
    def blocked(self) -> bool:
        """Whether the broker said that it takes no messages from this connection for now."""
        waiting = self.connection.ready()
        try:
            waiting.send(None)
        except StopIteration:
            return False
        finally:
            waiting.close()
        return True

    async def channel(self, *, confirms: bool = False) -> Channel:
        """Open a channel; it ends with the connection. Safe from many tasks.

        Args:
            confirms: Whether the broker is to confirm what is published.

        Raises:
            Exception: One of `UNAVAILABLE`.
        """
        async with Deadline(self.timeout):
            channel = await self.connection.channel(
                publisher_confirms=confirms, frame_buffer_size=_FRAMES
            )
        assert isinstance(channel, Channel)  # noqa: S101 - narrows what the client declares
        return channel

    @asynccontextmanager
    async def passing_channel(self) -> AsyncIterator[Channel]:
        """Open a channel for one question: what the broker refuses closes it, and nothing else."""
        channel = await self.channel()
        try:
            async with Deadline(self.timeout):
                yield channel
        finally:
            with suppress(*UNAVAILABLE):
                async with Deadline(_ABORT_SECONDS):
                    await channel.close()

    async def close(self) -> None:
        """Close the connection within 4 seconds, whatever the broker does. Raises nothing.

        Being cancelled cuts the farewell short; the socket is closed even so.
        """
        closing = asyncio.ensure_future(self.connection.close())
        closing.add_done_callback(_look_at)
        try:
            await asyncio.wait({closing}, timeout=0 if self.lost else _CLOSE_SECONDS)
        finally:
            if not closing.done():
                self._sockets.abort()
                with anyio.CancelScope(shield=True):
                    await asyncio.wait({closing}, timeout=_ABORT_SECONDS)
                closing.cancel()

    def abort(self) -> None:
        """Drop the connection at once, without a farewell."""
        self._aborted = True
        self._sockets.abort()


def _look_at(task: asyncio.Future[None]) -> None:
    """Take note of an error, so that nobody logs that it was overlooked."""
    if not task.cancelled():
        task.exception()
