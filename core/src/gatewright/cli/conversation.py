"""A WebSocket client for the terminal."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from gatewright.cli.client import Client
from gatewright.cli.connecting import ended, opened, shown
from gatewright.cli.lines import lines_of
from gatewright.cli.output import say

__all__ = ["Conversation"]


class Conversation:
    """One connection: prints what comes, sends what is read.

    Args:
        client: Who connects, and where.
        count: Frames after which to stop, or ``None``.
        source: The file descriptor with lines to send, or ``None``; its end ends nothing but the
            sending.
    """

    def __init__(self, client: Client, count: int | None, source: int | None) -> None:
        self._client = client
        self._left = count
        self._source = source

    def hold(self) -> int:
        """Talk until the connection closes, and return an exit code.

        Raises:
            NotConnected: There is no gateway.
        """
        return asyncio.run(self._talk())

    async def _talk(self) -> int:
        async with await opened(self._client) as connection:
            sending = asyncio.create_task(self._send(connection))
            try:
                return await self._print(connection)
            finally:
                sending.cancel()

    async def _print(self, connection: ClientConnection) -> int:
        with suppress(ConnectionClosed):
            while self._left != 0:
                say(shown(await connection.recv()))
                if self._left is not None:
                    self._left -= 1
        return 0 if self._left == 0 else ended(self._client, connection)

    async def _send(self, connection: ClientConnection) -> None:
        if self._source is None:
            return
        with suppress(ConnectionClosed):
            async for line in lines_of(self._source):
                await connection.send(line.decode(errors="replace"))
