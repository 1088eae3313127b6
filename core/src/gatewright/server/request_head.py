"""Requests whose head alone is reason enough to refuse them."""

from __future__ import annotations

from typing import Final

from gatewright.server.asgi import Scope, Send

__all__ = ["HEADER_BYTES", "bad_head", "refuse_head"]

HEADER_BYTES: Final = 16 * 1024
"""Bytes of target and headers together. The server's own limit misses a head that comes at once."""

TOO_LARGE: Final = 431
BAD_REQUEST: Final = 400


def bad_head(scope: Scope) -> int | None:
    """Return the status that an ASGI request is to be refused with, or ``None`` for a good head.

    Two lengths of one body are refused too: a proxy in front might believe the other (RFC 9112,
    section 6.1).
    """
    target = scope.get("raw_path") or scope["path"].encode()
    size = len(target) + len(scope.get("query_string", b""))
    lengths = set()
    for name, value in scope["headers"]:
        size += len(name) + len(value) + len(b": \r\n")
        if name in {b"content-length", b"transfer-encoding"}:
            lengths.add(name)
    if size > HEADER_BYTES:
        return TOO_LARGE
    return BAD_REQUEST if len(lengths) > 1 else None


async def refuse_head(scope: Scope, send: Send, status: int) -> None:
    """Answer an ASGI ``http`` scope and have its connection closed."""
    headers = [(b"content-length", b"0")]
    if not scope.get("http_version", "1.1").startswith("2"):
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
