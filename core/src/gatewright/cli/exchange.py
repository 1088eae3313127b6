"""One exchange over a WebSocket: everything is sent, the answers are heard, and it is closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from gatewright.cli.client import Client
from gatewright.cli.connecting import ended, opened, shown
from gatewright.cli.errors import NotPossible, WrongUse
from gatewright.cli.output import say
from gatewright.wire.inbound import Kind, classify

__all__ = ["CutShort", "Exchange", "NothingToSend", "TooLate"]

PING: Final = '{"type":"ping"}'
PONG: Final = '{"type":"pong"}'


@dataclass
class Progress:
    """How far an exchange is.

    Attributes:
        wanted: How many frames have to come.
        sent: Messages that were sent, the last ping aside.
        pongs_due: Pongs that the messages' own pings have not got yet.
        asked: Whether the last ping is sent.
        taken: Whether its pong came.
        answers: Frames that came, that pong aside.
    """

    wanted: int
    sent: int = 0
    pongs_due: int = 0
    asked: bool = False
    taken: bool = False
    answers: int = 0

    @property
    def complete(self) -> bool:
        """Everything was taken, and enough was heard."""
        return self.taken and self.answers >= self.wanted

    def __str__(self) -> str:
        if not self.taken:
            return "the gateway has not confirmed that it took every message"
        return f"{self.answers} of {self.wanted} frames came"


class NothingToSend(WrongUse):
    """Neither arguments nor standard input held a message."""

    def __init__(self, client: Client) -> None:
        self.command = client.command
        super().__init__(client)

    def __str__(self) -> str:
        return f"{self.command}: no message; name one, or write one a line to standard input"


class _Unfinished(NotPossible):
    """The exchange ended before all was taken and answered."""

    def __init__(self, client: Client, progress: Progress) -> None:
        self.command, self.progress = client.command, progress
        super().__init__(client, progress)


class TooLate(_Unfinished):
    """Time was up."""

    def __init__(self, client: Client, progress: Progress, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(client, progress)

    def __str__(self) -> str:
        return f"{self.command}: {self.progress} within {self.seconds:g} s; --timeout gives more"


class CutShort(_Unfinished):
    """The connection was closed."""

    def __str__(self) -> str:
        return f"{self.command}: {self.progress} before the connection was closed"


class Exchange:
    """One connection: sends messages, prints what comes, closes once all is taken and answered.

    After the messages it sends a ping, whose pong tells that the gateway let the client in and took
    everything before it; that pong is not printed.

    Args:
        client: Who connects, and where.
        wanted: How many frames have to come, 0 or more; pongs of the messages' own pings count.
        seconds: How long to wait for them once everything is sent.
    """

    def __init__(self, client: Client, *, wanted: int, seconds: float) -> None:
        self._client = client
        self._seconds = seconds
        self._progress = Progress(wanted)

    def hold(self, messages: AsyncIterator[str]) -> int:
        """Send all of ``messages``, wait for what is wanted, and return an exit code.

        Raises:
            NotConnected: There is no gateway.
            NothingToSend: There was no message.
            TooLate: Not all was taken or answered in time.
            CutShort: The gateway closed the connection before.
        """
        return asyncio.run(self._talk(messages))

    async def _talk(self, messages: AsyncIterator[str]) -> int:
        async with await opened(self._client) as connection:
            hearing = asyncio.create_task(self._hear(connection))
            sending = asyncio.create_task(self._send(connection, messages))
            try:
                await self._both(hearing, sending)
            finally:
                hearing.cancel()
                sending.cancel()
            if self._progress.complete:
                return 0
            ended(self._client, connection)
        raise CutShort(self._client, self._progress)

    async def _both(self, hearing: asyncio.Task[None], sending: asyncio.Task[None]) -> None:
        """Wait until all is heard, the connection closed, or time is up.

        Hearing ends first where the connection closes while messages are still to be read.
        """
        await asyncio.wait({hearing, sending}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            sending.result()
            await asyncio.wait({hearing}, timeout=self._seconds)
            if not hearing.done():
                raise TooLate(self._client, self._progress, self._seconds)
        hearing.result()

    async def _hear(self, connection: ClientConnection) -> None:
        try:
            while not self._progress.complete:
                self._count(await connection.recv())
        except ConnectionClosed:
            return

    def _count(self, frame: str | bytes) -> None:
        """Print a frame, unless it is the pong of the ping that came last."""
        progress = self._progress
        if frame == PONG:
            if progress.asked and progress.pongs_due == 0:
                progress.taken = True
                return
            progress.pongs_due -= 1
        progress.answers += 1
        say(shown(frame))

    async def _send(self, connection: ClientConnection, messages: AsyncIterator[str]) -> None:
        progress = self._progress
        try:
            async for message in messages:
                progress.pongs_due += classify(message) is Kind.PING
                progress.sent += 1
                await connection.send(message)
            if not progress.sent:
                raise NothingToSend(self._client)
            progress.asked = True
            await connection.send(PING)
        except ConnectionClosed:
            return  # whoever hears ends, too, and tells why
