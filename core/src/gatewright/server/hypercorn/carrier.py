"""The TCP connection below what hypercorn hands to an application, where it can be found.

Every step from an ASGI ``send`` down to the transport is checked for its exact type, so another
server, HTTP/2 or a middleware that wraps ``send`` simply has none.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable

from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.protocol.http_stream import HTTPStream
from wsproto.connection import ConnectionState
from wsproto.events import Ping

from gatewright.server.hypercorn.ws_stream import GatewayWSStream

__all__ = ["Carrier", "carrier_of", "hang_up", "server_below"]


class Carrier:
    """What a driver may do to the TCP connection below one WebSocket of hypercorn's HTTP/1.1."""

    __slots__ = ("_server", "_stream", "_transport")

    def __init__(self, stream: GatewayWSStream, server: TCPServer) -> None:
        self._stream = stream
        self._server = server
        self._transport = server.writer.transport

    @property
    def last_received(self) -> float:
        """The loop's time when bytes last came in."""
        return self._stream.last_received

    @property
    def buffered(self) -> int:
        """Bytes that the transport has not yet handed to the kernel."""
        return 0 if self._transport.is_closing() else self._transport.get_write_buffer_size()

    @property
    def gone(self) -> bool:
        """Whether the client has hung up."""
        return self._stream.closed or self._transport.is_closing()

    def on_control(self, callback: Callable[[], None] | None) -> None:
        """Have frames that are no whole message reported: pings, pongs and fragments."""
        self._stream.on_control = callback

    def ping(self) -> None:
        """Send a ping; nothing where either side is closing."""
        connection = self._stream.connection
        if not self._transport.is_closing() and connection.state is ConnectionState.OPEN:
            self._transport.write(connection.send(Ping()))

    def abort(self) -> None:
        """Drop the connection at once, unsent bytes and all."""
        self._transport.abort()

    def abort_later(self, seconds: float) -> None:
        """Drop the connection should it be there after so many seconds; keep nothing of it."""
        loop = asyncio.get_running_loop()
        loop.call_later(seconds, _abort, weakref.ref(self._server))


def _abort(remembered: weakref.ref[TCPServer]) -> None:
    """Abort a connection that hypercorn has not let go of: a server lives as long as its task."""
    server = remembered()
    if server is not None:
        server.writer.transport.abort()


def carrier_of(send: object) -> Carrier | None:
    """Return what carries the WebSocket behind an ASGI ``send``, or ``None`` if that is unknown.

    Every step is checked for its exact type, so another server, HTTP/2 or a middleware that wraps
    ``send`` simply has no carrier.
    """
    stream = getattr(send, "__self__", None)
    if type(stream) is not GatewayWSStream:
        return None
    server = server_below(stream)
    return None if server is None else Carrier(stream, server)


def hang_up(send: object) -> None:
    """Drop the connection behind the ``send`` of one HTTP/1.1 request, where it can be found."""
    stream = getattr(send, "__self__", None)
    server = server_below(stream) if type(stream) is HTTPStream else None
    if server is not None:
        server.writer.transport.abort()


def server_below(stream: GatewayWSStream | HTTPStream) -> TCPServer | None:
    """Return hypercorn's server of the one connection that an HTTP/1.1 stream is on."""
    protocol = getattr(stream.send, "__self__", None)
    if type(protocol) is not H11Protocol:
        return None
    server = getattr(protocol.send, "__self__", None)
    if type(server) is not TCPServer or type(server.writer) is not asyncio.StreamWriter:
        return None
    return server
