"""How the client commands connect, print what they hear, and tell how it ended."""

from __future__ import annotations

import sys
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, InvalidURI, WebSocketException

from gatewright.cli.client import Client
from gatewright.cli.errors import NotPossible
from gatewright.cli.output import note, printable

__all__ = ["NotConnected", "ended", "opened", "shown"]

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

    def __init__(self, client: Client, why: str) -> None:
        self.command, self.url, self.why = client.command, client.url, why
        super().__init__(client, why)

    def __str__(self) -> str:
        return f"{self.command}: {self.url}: {self.why}"


async def opened(client: Client) -> ClientConnection:
    """Connect, and say so.

    Raises:
        NotConnected: There is no gateway, or it opens no WebSocket.
    """
    try:
        connection = await connect(
            client.url,
            additional_headers={"Authorization": f"Bearer {client.token}"},
            open_timeout=HANDSHAKE_SECONDS,
            max_size=None,
            proxy=None,
            compression=None,
        )
    except InvalidURI:
        raise NotConnected(client, "is no address like ws://127.0.0.1:8180/ws") from None
    except InvalidStatus as error:
        why = f"answered HTTP {error.response.status_code} instead of opening a WebSocket"
        raise NotConnected(client, why) from None
    except TimeoutError:
        raise NotConnected(client, f"did not answer within {HANDSHAKE_SECONDS:g} s") from None
    except (OSError, WebSocketException) as error:
        why = f"no gateway answers: {error.__class__.__name__}; start one, or name it with --url"
        raise NotConnected(client, why) from None
    note(f"connected to {client.url}")
    return connection


def ended(client: Client, connection: ClientConnection) -> int:
    """Say how a closed connection ended, and return an exit code: 0 for an end in good order."""
    code, reason = connection.close_code or 1006, connection.close_reason or ""
    words = ", ".join(part for part in (_MEANINGS.get(code, ""), printable(reason)) if part)
    note(f"closed: {code}{f' ({words})' if words else ''}")
    if code == REFUSED and client.key is not None:
        note(f"signed with {client.key}; was the gateway started in another directory?")
    return 0 if code in IN_ORDER else 1


def shown(frame: str | bytes) -> str:
    """Return a frame as it is printed: as it came, but unable to steer a terminal."""
    text = frame if isinstance(frame, str) else frame.decode(errors="backslashreplace")
    return printable(text) if sys.stdout.isatty() else text
