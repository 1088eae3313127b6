"""A WebSocket client for the terminal."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException

from gatewright.cli.errors import NotPossible
from gatewright.cli.output import note, printable, say

__all__ = ["Conversation", "NotConnected"]

CHUNK: Final = 65_536
HANDSHAKE_SECONDS: Final = 10.0
IN_ORDER: Final = frozenset({1000, 1001})
REFUSED: Final = 4401

_MEANINGS: Final = {
    1003: "a binary frame was sent",
    1006: "the connection was lost",
    1008: "too much at once",
    1009: "the message was too large",
    1011: "no pong came, or the gateway failed",
    1012: "the gateway restarts",
    1013: "try again later",
    4008: "read too slowly",
    REFUSED: "the token was refused",
}


class NotConnected(NotPossible):
    """There is no WebSocket to be had at the address."""

    def __init__(self, url: str, why: str) -> None:
        self.url, self.why = url, why
        super().__init__(url, why)

    def __str__(self) -> str:
        return f"gatewright listen: {self.url}: {self.why}"


class Conversation:
    """One connection: prints what comes, sends what is read.

    Args:
        url: Where the WebSocket is.
        token: Sent as ``Authorization: Bearer``.
        count: Frames after which to stop, or ``None``.
        source: The file descriptor with lines to send, or ``None``; its end ends nothing but the
            sending.
        key: The file with the key that signed the token, told where the gateway refuses it.
    """

    def __init__(
        self,
        url: str,
        token: str,
        count: int | None,
        source: int | None,
        key: Path | None = None,
    ) -> None:
        self._url = url
        self._key = key
        self._token = token
        self._left = count
        self._source = source

    def hold(self) -> int:
        """Talk until the connection closes, and return an exit code.

        Raises:
            NotConnected: There is no gateway.
        """
        return asyncio.run(self._talk())

    async def _talk(self) -> int:
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            connection = await connect(
                self._url,
                additional_headers=headers,
                open_timeout=HANDSHAKE_SECONDS,
                max_size=None,
                proxy=None,
                compression=None,
            )
        except InvalidURI:
            raise NotConnected(self._url, "is no address like ws://127.0.0.1:8180/ws") from None
        except InvalidStatus as error:
            why = f"answered HTTP {error.response.status_code} instead of opening a WebSocket"
            raise NotConnected(self._url, why) from None
        except TimeoutError:
            why = f"did not answer within {HANDSHAKE_SECONDS:g} s"
            raise NotConnected(self._url, why) from None
        except (OSError, WebSocketException) as error:
            why = (
                f"no gateway answers: {error.__class__.__name__}; start one, or name it with --url"
            )
            raise NotConnected(self._url, why) from None
        note(f"connected to {self._url}")
        async with connection:
            sending = asyncio.create_task(self._send(connection))
            try:
                return await self._print(connection)
            finally:
                sending.cancel()

    async def _print(self, connection: ClientConnection) -> int:
        with suppress(ConnectionClosed):
            while self._left != 0:
                frame = await connection.recv()
                say(_shown(frame))
                if self._left is not None:
                    self._left -= 1
        if self._left == 0:
            return 0
        code, reason = connection.close_code or 1006, connection.close_reason or ""
        words = ", ".join(part for part in (_MEANINGS.get(code, ""), printable(reason)) if part)
        note(f"closed: {code}{f' ({words})' if words else ''}")
        if code == REFUSED and self._key is not None:
            note(f"signed with {self._key}; was the gateway started in another directory?")
        return 0 if code in IN_ORDER else 1

    async def _send(self, connection: ClientConnection) -> None:
        lines: asyncio.Queue[str] = asyncio.Queue()
        if self._source is not None:
            _read_lines(self._source, lines)
        with suppress(ConnectionClosed):
            while True:
                await connection.send(await lines.get())


def _shown(frame: str | bytes) -> str:
    text = frame if isinstance(frame, str) else frame.decode(errors="backslashreplace")
    return printable(text) if sys.stdout.isatty() else text


def _read_lines(source: int, lines: asyncio.Queue[str]) -> None:
    """Read in a thread of its own: a terminal's read cannot be cancelled, and a file not be polled.

    The thread is a daemon and reads the descriptor itself, so it never holds up the exit.
    """
    loop = asyncio.get_running_loop()

    def read() -> None:
        rest = b""
        with suppress(RuntimeError, OSError):  # the loop is closed, or the descriptor is
            while chunk := os.read(source, CHUNK):
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    loop.call_soon_threadsafe(lines.put_nowait, line.decode(errors="replace"))
            if rest:
                loop.call_soon_threadsafe(lines.put_nowait, rest.decode(errors="replace"))

    threading.Thread(target=read, name="lines", daemon=True).start()
