"""The outermost ASGI callables: WebSockets to the handshake, everything else to Starlette."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewright.server.denial import deny
from gatewright.server.patience import patient
from gatewright.server.request_head import bad_head, refuse_head

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from gatewright.server.asgi import App, Receive, Scope, Send

__all__ = ["GatewayApp"]


class GatewayApp:
    """What hypercorn calls. Nothing wraps the WebSocket's ``send``: the drivers depend on it."""

    def __init__(self, http: ASGIApp, handshaker: App | None, path: str) -> None:
        self._http = http
        self._handshaker = handshaker
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI scope."""
        if scope["type"] == "websocket":
            if self._handshaker is not None and scope["path"] == self._path:
                await self._handshaker(scope, receive, send)
            else:
                await receive()
                await deny(scope, send, 404, "no WebSocket here")
        elif scope["type"] == "http":
            if (status := bad_head(scope)) is not None:
                await refuse_head(scope, send, status)
            elif self._handshaker is not None and scope["path"] == self._path:
                await _ask_for_upgrade(send)
            else:
                await self._http(scope, receive, patient(send))
        else:
            await _lifespan(receive, send)


async def _ask_for_upgrade(send: Send) -> None:
    """Answer plain HTTP at the WebSocket's path (RFC 9110, section 15.5.22)."""
    body = b"this is a WebSocket; the request has no Upgrade header, or a proxy took it\n"
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"upgrade", b"websocket"),
        (b"connection", b"upgrade"),
    ]
    await send({"type": "http.response.start", "status": 426, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Receive, send: Send) -> None:
    """Answer hypercorn's lifespan; the gateway opens and closes everything itself."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
