"""Taking the TCP connection of a WebSocket handshake away from hypercorn, before it is answered."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.protocol.h11 import H11Protocol, H11WSConnection
from hypercorn.protocol.ws_stream import ASGIWebsocketState

from gatewright.server.hypercorn.carrier import server_below
from gatewright.server.hypercorn.ended import Ended
from gatewright.server.hypercorn.ws_stream import GatewayWSStream

__all__ = ["TakeOver", "takeover_of"]

NEEDED: Final = (
    "abort",
    "close",
    "get_protocol",
    "get_write_buffer_size",
    "is_closing",
    "pause_reading",
    "resume_reading",
    "set_protocol",
    "set_write_buffer_limits",
    "write",
)


class TakeOver:
    """A handshake that hypercorn has read and not answered, and what is below it."""

    __slots__ = ("_h11", "_server", "_stream", "transport")

    def __init__(self, stream: GatewayWSStream, server: TCPServer, h11: H11Protocol) -> None:
        self._stream = stream
        self._server = server
        self._h11 = h11
        self.transport: asyncio.Transport = server.writer.transport  # type: ignore[assignment]

    @property
    def key(self) -> bytes:
        """The client's ``Sec-WebSocket-Key``."""
        key: bytes | str = self._stream.handshake.key or b""
        return key.encode() if isinstance(key, str) else key

    def headers(self, name: bytes) -> list[str]:
        """Return the values of one of the request's headers, by its name in lower case."""
        return [
            value.decode("latin-1") for key, value in self._stream.scope["headers"] if key == name
        ]

    @property
    def gone(self) -> bool:
        """Whether the client has hung up, or hypercorn has answered it meanwhile."""
        waits = self._stream.state is ASGIWebsocketState.HANDSHAKE
        return not waits or self._stream.closed or self.transport.is_closing()

    def complete(self, protocol: asyncio.BaseProtocol) -> bytes:
        """Give the transport to ``protocol`` and have hypercorn let go of the connection.

        Its tasks end by themselves, once the application returns. Nothing awaits here.

        Returns:
            Bytes that came in and that nobody has looked at.
        """
        reader, writer = self._server.reader, self._server.writer
        held = bytes(reader._buffer)  # type: ignore[attr-defined]  # noqa: SLF001 - one package
        self._stream.closed = True
        self._h11.stream = None
        self._h11.connection = Ended()  # type: ignore[assignment]
        self._server.writer = _GONE  # type: ignore[assignment]
        self.transport.set_protocol(protocol)
        self.transport.resume_reading()
        writer._transport = _GONE  # type: ignore[attr-defined]  # noqa: SLF001 - or its end would close it
        reader._transport = None  # type: ignore[attr-defined]  # noqa: SLF001
        reader._buffer.clear()  # type: ignore[attr-defined]  # noqa: SLF001
        reader.feed_eof()
        return held


def takeover_of(send: object) -> TakeOver | None:
    """Return how to take over the connection behind an ASGI ``send``, or ``None``: it cannot be."""
    stream = getattr(send, "__self__", None)
    if type(stream) is not GatewayWSStream or stream.state is not ASGIWebsocketState.HANDSHAKE:
        return None
    server = server_below(stream)
    h11 = getattr(stream.send, "__self__", None)
    if server is None or type(h11) is not H11Protocol or h11.stream is not stream:
        return None
    fits = type(h11.connection) is H11WSConnection and _can_be_taken(server)
    return TakeOver(stream, server, h11) if fits else None


def _can_be_taken(server: TCPServer) -> bool:
    reader, transport = server.reader, server.writer.transport
    return (
        type(reader) is asyncio.StreamReader
        and type(getattr(reader, "_buffer", None)) is bytearray
        and all(hasattr(transport, name) for name in NEEDED)
        and type(transport.get_protocol()) is asyncio.StreamReaderProtocol
    )


class _Gone:
    """Stands for a writer, and for its transport, that hypercorn has no business with any more."""

    def is_closing(self) -> bool:
        """It is over."""
        return True

    def get_extra_info(self, *_: Any) -> None:  # noqa: ANN401 - as a writer's
        """Know nothing."""

    def write(self, _: bytes) -> None:
        """Send nothing."""

    def write_eof(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Close nothing."""

    async def drain(self) -> None:
        """Wait for nothing."""

    async def wait_closed(self) -> None:
        """Wait for nothing."""


_GONE: Final = _Gone()
