"""A session that returns texts and binaries as they came, and an application that serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewright.wire.frames import Binary, Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewright.server.asgi import Receive, Scope, Send
    from gatewright.server.drivers.door import Door
    from gatewright.session.socket import Socket

__all__ = ["EchoApp", "EchoSession"]


class EchoSession:
    """What a driver needs of a session, and nothing else."""

    __slots__ = ("_socket",)

    _socket: Socket

    def opened(self, socket: Socket) -> None:
        """Take the socket."""
        self._socket = socket

    def text(self, text: str) -> None:
        """Return a text."""
        self._socket.write(Frame(text.encode()))

    def binary(self, data: bytes) -> None:
        """Return a binary message."""
        self._socket.write(Binary(data))

    def control(self) -> None:
        """Limit nothing."""

    def closed(self, code: int, reason: str) -> None:
        """Tell nobody."""


class EchoApp:
    """An ASGI application whose WebSockets echo, whatever the path; anybody may come.

    Args:
        door: Makes the door of each handshake.
    """

    def __init__(self, door: Callable[[Receive, Send], Door]) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ``websocket`` scope; the first sub-protocol offered is taken."""
        await receive()
        door = self._door(receive, send)
        await door.accept(next(iter(scope["subprotocols"]), None))
        if not door.gone:
            await door.serve(EchoSession(), "")
