"""All that gatewright knows about hypercorn's insides, in one place.

Hypercorn 0.18 hides from an ASGI application what a gateway must see: the peer's close code, pongs,
the socket of a client that does not read. `GatewayWSStream` takes its stream's place and

- never negotiates permessage-deflate (hypercorn's inflater has no bound),
- counts a message's bytes, not its characters, and stops at the limit with 1009,
- answers protocol violations with 1002 or 1007 before it hangs up,
- reports the peer's true close code and reason,
- hangs up after a handshake that is no good, also where hypercorn would fail on its bytes,
- keeps nothing of empty fragments, and stops parsing what a client streams after a close,
- waits for the peer's close frame, at most `LINGER_SECONDS`, so that ours is not lost to a reset.

And `_Ended` takes the place of the parser of a connection that is over: hypercorn would go on with
the requests that a client pipelined before it left, or wait for ever until it may.

An application finds it behind the ``send`` it is given (`carrier_of`), where that ``send`` is
hypercorn's own; on any other server there is none, and the driver does with plain ASGI.

Beside that, cleartext HTTP/2 is never spoken, HTTP/2 offers no WebSockets (what waits for a client
that does not read has no bound there), and a client that hangs up is let go of at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

import h11
from h2.settings import SettingCodes
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.events import Closed
from hypercorn.protocol import h2 as hypercorn_h2
from hypercorn.protocol import h11 as hypercorn_h11
from hypercorn.protocol.events import (
    Body,
    Data,
    EndBody,
    Event,
    Request,
    Response,
    StreamClosed,
)
from hypercorn.protocol.h2 import H2Protocol
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.protocol.http_stream import HTTPStream
from hypercorn.protocol.ws_stream import ASGIWebsocketState, WSStream
from hypercorn.typing import ASGISendEvent, WebsocketAcceptEvent
from wsproto.connection import ConnectionState
from wsproto.events import CloseConnection, Message, Ping, Pong
from wsproto.frame_protocol import CloseReason

__all__ = ["LINGER_SECONDS", "Carrier", "carrier_of", "hang_up", "installed"]

LINGER_SECONDS: Final = 1.0
"""How long a closed socket waits for the peer's own close frame."""

LATE_BYTES: Final = 64 * 1024
"""How much is still parsed, for the peer's close frame, once this side has closed."""

ABNORMAL: Final = int(CloseReason.ABNORMAL_CLOSURE)
TOO_BIG: Final = int(CloseReason.MESSAGE_TOO_BIG)


class GatewayWSStream(WSStream):
    """Hypercorn's WebSocket stream, mended; see the module's docstring."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as hypercorn has it
        super().__init__(*args, **kwargs)
        self.last_received = asyncio.get_running_loop().time()
        self.on_control: Callable[[], None] | None = None
        self._parts: list[str | bytes] = []
        self._size = 0
        self._late = 0
        self._deaf = False
        self._app_done = False
        self._close_seen: tuple[int, str] | None = None
        self._peer_done: asyncio.Event | None = None  # there while we linger

    async def handle(self, event: Event) -> None:
        """Take what hypercorn's connection saw."""
        if self.closed:
            return
        if isinstance(event, StreamClosed):
            await self._ended()
        elif isinstance(event, Request):
            await self._begin(event)
        elif not isinstance(event, (Body, Data)):
            await super().handle(event)
        elif not self.handshake.accepted:
            await self._refuse_early_data()
        elif not self._deaf:
            self.last_received = asyncio.get_running_loop().time()
            if self._is_closing():
                self._late += len(event.data)
                self._deaf = self._late > LATE_BYTES
            self.connection.receive_data(event.data)
            await self._handle_events()

    async def app_send(self, message: ASGISendEvent | None) -> None:
        """Take what the application sends; ``None`` says that it has returned."""
        if message is None:
            self._stop_putting()
            if not self.closed and self._is_closing():
                await self._linger()
        elif self._is_closing():
            return
        await super().app_send(message)

    async def _begin(self, request: Request) -> None:
        """Take the upgrade request; hypercorn would keep a connection that it answers with 400."""
        try:
            await super().handle(request)
        except UnicodeDecodeError:  # a header of the handshake that is not ASCII
            self.closed = True
            headers = [(b"content-length", b"0"), (b"connection", b"close")]
            await self.send(Response(self.stream_id, headers=headers, status_code=400))
            await self.send(EndBody(stream_id=self.stream_id))
        if self.closed:
            await self.send(StreamClosed(stream_id=self.stream_id))

    async def _refuse_early_data(self) -> None:
        """A client must wait for the 101 before it sends frames (RFC 6455, section 4.1)."""
        if self.state is ASGIWebsocketState.HANDSHAKE:
            self.state = ASGIWebsocketState.HTTPCLOSED
            await self._send_error_response(400)
            await self.send(StreamClosed(stream_id=self.stream_id))

    async def _accept(self, message: WebsocketAcceptEvent) -> None:
        self.handshake.extensions = None
        await super()._accept(message)

    async def _handle_events(self) -> None:
        for event in self.connection.events():
            if isinstance(event, CloseConnection):
                await self._closed_by_peer(event)
                return
            if isinstance(event, (Ping, Pong)):
                await self._control(event)
            elif isinstance(event, Message) and not self._is_closing():
                await self._message(event)

    async def _message(self, event: Message[Any]) -> None:
        data = event.data
        self._size += len(data.encode()) if isinstance(data, str) else len(data)
        if self._size > self.config.websocket_max_message_size:
            await self._fail(TOO_BIG, "message too big")
            return
        if data or not self._parts:
            self._parts.append(bytes(data) if not isinstance(data, str) else data)
        if event.message_finished:
            parts, self._parts, self._size = self._parts, [], 0
            await self._put(_received(parts))
        elif event.frame_finished and self.on_control is not None:
            self.on_control()

    async def _control(self, event: Ping | Pong) -> None:
        if isinstance(event, Ping):
            await self._send_wsproto_event(event.response())
        if self.on_control is not None:
            self.on_control()

    async def _closed_by_peer(self, event: CloseConnection) -> None:
        """Answer a close frame, or a violation, which wsproto reports as one."""
        code, reason = int(event.code), event.reason or ""
        self._deaf = True
        if self.connection.state is ConnectionState.OPEN:
            await self._fail(code, reason)
            return
        self._close_seen = self._close_seen or (code, reason)
        self._stop_lingering()
        if self.connection.state is ConnectionState.REMOTE_CLOSING:
            await self._send_wsproto_event(event.response())
            await self.send(StreamClosed(stream_id=self.stream_id))

    async def _fail(self, code: int, reason: str) -> None:
        """Close because of what the client did; the application hears the code we closed with."""
        self._parts = []
        self._close_seen = (code, reason)
        await self._send_wsproto_event(CloseConnection(code=code, reason=reason[:123]))
        self.state = ASGIWebsocketState.CLOSED
        await self._put({"type": "websocket.disconnect", "code": code, "reason": reason})

    async def _ended(self) -> None:
        self.closed = True
        self._stop_lingering()
        code, reason = self._close_seen or (ABNORMAL, "")
        await self._put({"type": "websocket.disconnect", "code": code, "reason": reason})

    async def _put(self, message: dict[str, Any]) -> None:
        if self.app_put is not None and not self._app_done:
            await self.app_put(message)

    def _stop_putting(self) -> None:
        """Nobody reads the queue any more: put nothing, and let go whoever waits for a place."""
        self._app_done = True
        queue = getattr(self.app_put, "__self__", None)
        while isinstance(queue, asyncio.Queue) and not queue.empty():
            queue.get_nowait()

    async def _linger(self) -> None:
        """Wait for the peer's close frame, unless it is here already."""
        if self.connection.state is ConnectionState.CLOSED:
            return
        self._peer_done = asyncio.Event()
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                await self._peer_done.wait()
        except TimeoutError:
            pass

    def _stop_lingering(self) -> None:
        if self._peer_done is not None:
            self._peer_done.set()

    def _is_closing(self) -> bool:
        return self.state is ASGIWebsocketState.CLOSED


def _received(parts: list[Any]) -> dict[str, Any]:
    if isinstance(parts[0], str):
        return {"type": "websocket.receive", "text": "".join(parts)}
    return {"type": "websocket.receive", "bytes": b"".join(parts)}


class Carrier:
    """What a driver may do to the TCP connection below one WebSocket of hypercorn's HTTP/1.1."""

    __slots__ = ("_stream", "_transport")

    def __init__(self, stream: GatewayWSStream, transport: asyncio.WriteTransport) -> None:
        self._stream = stream
        self._transport = transport

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


def carrier_of(send: object) -> Carrier | None:
    """Return what carries the WebSocket behind an ASGI ``send``, or ``None`` if that is unknown.

    Every step is checked for its exact type, so another server, HTTP/2 or a middleware that wraps
    ``send`` simply has no carrier.
    """
    stream = getattr(send, "__self__", None)
    if type(stream) is not GatewayWSStream:
        return None
    transport = _transport_below(stream)
    return None if transport is None else Carrier(stream, transport)


def hang_up(send: object) -> None:
    """Drop the connection behind the ``send`` of one HTTP/1.1 request, where it can be found."""
    stream = getattr(send, "__self__", None)
    transport = _transport_below(stream) if type(stream) is HTTPStream else None
    if transport is not None:
        transport.abort()


def _transport_below(stream: GatewayWSStream | HTTPStream) -> asyncio.WriteTransport | None:
    protocol = getattr(stream.send, "__self__", None)
    if type(protocol) is not H11Protocol:
        return None
    server = getattr(protocol.send, "__self__", None)
    writer = getattr(server, "writer", None)
    if type(server) is not TCPServer or type(writer) is not asyncio.StreamWriter:
        return None
    return writer.transport


_read_data = TCPServer._read_data  # noqa: SLF001 - one module


async def _read_to_the_end(self: TCPServer) -> None:
    """Read, and let go of a client that has hung up; hypercorn keeps it for its idle time."""
    await _read_data(self)
    await self.idle_task.stop()


class _Ended:
    """What hypercorn parses once a connection is over: nothing comes, and nothing is sent."""

    our_state = None
    their_state = None
    they_are_waiting_for_100_continue = False
    trailing_data = (b"", False)

    def receive_data(self, data: bytes) -> None:
        """Forget what still comes in."""

    def next_event(self) -> object:
        """Have hypercorn read on, up to the connection's end."""
        return h11.NEED_DATA

    def send(self, event: object) -> bytes:
        """Send nothing."""
        del event
        return b""


_recycle = H11Protocol._maybe_recycle  # noqa: SLF001 - one module
_handle = H11Protocol.handle


async def _recycle_or_end(self: Any) -> None:  # noqa: ANN401 - what it parses with is replaced
    """Go on with the connection's next request, or with none."""
    states = (self.connection.our_state, self.connection.their_state)
    if states != (h11.DONE, h11.DONE):
        self.connection = _Ended()
    await _recycle(self)


async def _handle_or_end(self: Any, event: object) -> None:  # noqa: ANN401 - as above
    """Take what the connection saw; nothing is parsed after its end."""
    if isinstance(event, Closed):
        self.connection = _Ended()
    await _handle(self, cast("Any", event))


_initiate = H2Protocol.initiate


async def _offer_no_sockets(self: H2Protocol, *args: Any) -> None:  # noqa: ANN401
    """Begin HTTP/2 without the setting that invites WebSockets (RFC 8441, section 3)."""
    del self.connection.local_settings[SettingCodes.ENABLE_CONNECT_PROTOCOL]
    await _initiate(self, *args)


async def _stay_on_http11(_self: object, _request: object) -> None:
    """Take the place of hypercorn's h2c upgrade: cleartext HTTP/2 is never spoken."""


@contextmanager
def installed() -> Iterator[None]:
    """Have hypercorn mended while the context lasts."""
    replaced: tuple[tuple[object, str, object], ...] = (
        (hypercorn_h11, "WSStream", GatewayWSStream),
        (hypercorn_h2, "WSStream", GatewayWSStream),
        (H11Protocol, "_check_protocol", _stay_on_http11),
        (H11Protocol, "_maybe_recycle", _recycle_or_end),
        (H11Protocol, "handle", _handle_or_end),
        (H2Protocol, "initiate", _offer_no_sockets),
        (TCPServer, "_read_data", _read_to_the_end),
    )
    before = [getattr(owner, name) for owner, name, _ in replaced]
    for owner, name, value in replaced:
        setattr(owner, name, value)
    try:
        yield
    finally:
        for (owner, name, _), value in zip(replaced, before, strict=True):
            setattr(owner, name, value)
