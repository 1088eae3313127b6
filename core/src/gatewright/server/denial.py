"""Plain HTTP answers to WebSocket handshakes that are not accepted."""

from __future__ import annotations

from gatewright.server.asgi import Scope, Send

__all__ = ["deny"]


async def deny(
    scope: Scope, send: Send, status: int, text: str, headers: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    """Answer with an HTTP status; on servers that cannot, close, which they answer with 403."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    body = text.encode() + b"\n"
    await send(
        {
            "type": "websocket.http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", str(len(body)).encode()),
                *headers,
            ],
        }
    )
    await send({"type": "websocket.http.response.body", "body": body})
