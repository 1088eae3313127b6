"""Hypercorn's WebSocket stream, with what a gateway must see and hold.

Hypercorn 0.18 hides from an ASGI application the peer's close code, pongs, and the socket of a
client that does not read. `GatewayWSStream` takes its stream's place and

- never negotiates permessage-deflate (hypercorn's inflater has no bound),
- counts a message's bytes, not its characters, and stops at the limit with 1009,
- answers protocol violations with 1002 or 1007 before it hangs up,
- reports the peer's true close code and reason,
- hangs up after a handshake that is no good, also where hypercorn would fail on its bytes,
- keeps nothing of empty fragments, and stops parsing what a client streams after a close,
- waits for the peer's close frame, at most `LINGER_SECONDS`, so that ours is not lost to a reset.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from hypercorn.protocol.events import (
    Body,
    Data,
    EndBody,
    Event,
    Request,
    Response,
    StreamClosed,
)
from hypercorn.protocol.ws_stream import ASGIWebsocketState, WSStream
from hypercorn.typing import ASGISendEvent, WebsocketAcceptEvent
from wsproto.connection import ConnectionState
from wsproto.events import CloseConnection, Message, Ping, Pong
from wsproto.frame_protocol import CloseReason

__all__ = ["LINGER_SECONDS", "GatewayWSStream"]

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
