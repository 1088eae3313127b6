"""The direct socket driver: hypercorn reads the handshake, then the transport is ours."""

from __future__ import annotations

from typing import Final

from gatewright.server.asgi import Send
from gatewright.server.drivers.asgi import AsgiDoor
from gatewright.server.drivers.deflate_socket import DeflateSocket
from gatewright.server.drivers.direct_socket import DirectSocket, Terms
from gatewright.server.hypercorn.takeover import TakeOver, takeover_of
from gatewright.session.socket import SocketSession
from gatewright.wire.deflate import Deflate, agreed
from gatewright.wire.websocket import accept_key

__all__ = ["DirectDoor", "DirectDriver"]

_SWITCHING: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n"
)
_SUBPROTOCOL: Final = b"Sec-WebSocket-Protocol: %b\r\n"
_EXTENSIONS: Final = b"Sec-WebSocket-Extensions: %b\r\n"


class DirectDriver:
    """Carries sockets on their transports, where hypercorn's HTTP/1.1 lets go of them.

    Args:
        terms: What all sockets share.
        deflate: Compresses for clients that offer permessage-deflate; absent: nothing is agreed.
    """

    def __init__(self, terms: Terms, deflate: Deflate | None = None) -> None:
        self._terms = terms
        self._deflate = deflate

    def door(self, send: Send, asgi: AsgiDoor) -> DirectDoor | None:
        """Return the door of one ``websocket`` scope, or ``None`` where it must be plain ASGI.

        Args:
            send: The scope's, as hypercorn made it: a wrapped one cannot be seen through.
            asgi: The door by which a client is turned away.
        """
        takeover = takeover_of(send)
        if takeover is None:
            return None
        extension = None
        if self._deflate is not None:
            extension = agreed(takeover.headers(b"sec-websocket-extensions"))
        return DirectDoor(self, takeover, asgi, extension)

    def socket(self, session: SocketSession, place: str, *, deflated: bool) -> DirectSocket:
        """Return what is to carry one socket."""
        if deflated and self._deflate is not None:
            return DeflateSocket(self._terms, session, place, self._deflate)
        return DirectSocket(self._terms, session, place)


class DirectDoor:
    """A `Door` that answers the handshake itself, at the last moment."""

    __slots__ = ("_asgi", "_driver", "_extension", "_subprotocol", "_takeover")

    def __init__(
        self, driver: DirectDriver, takeover: TakeOver, asgi: AsgiDoor, extension: str | None
    ) -> None:
        self._driver = driver
        self._takeover = takeover
        self._asgi = asgi
        self._extension = extension
        self._subprotocol: str | None = None

    @property
    def gone(self) -> bool:
        """Whether the client has hung up."""
        return self._takeover.gone

    async def accept(self, subprotocol: str | None) -> None:
        """Take note of what is to be answered."""
        self._subprotocol = subprotocol

    async def close(self, code: int, reason: str = "") -> None:
        """Turn the client away; hypercorn carries the two frames that this takes."""
        await self._asgi.accept(self._subprotocol)
        await self._asgi.close(code, reason)

    async def serve(self, session: SocketSession, place: str) -> None:
        """Take the connection over, and return at once."""
        socket = self._driver.socket(session, place, deflated=self._extension is not None)
        takeover = self._takeover
        answer = _SWITCHING % accept_key(takeover.key)
        if self._subprotocol is not None:
            answer += _SUBPROTOCOL % self._subprotocol.encode()
        if self._extension is not None:
            answer += _EXTENSIONS % self._extension.encode()
        early = takeover.complete(socket)
        socket.begin(takeover.transport, answer + b"\r\n")
        if early:
            socket.data_received(early)
