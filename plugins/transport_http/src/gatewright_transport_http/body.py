"""Reading a request's body without holding more of it than may be published."""

from __future__ import annotations

from typing import Final

import anyio
from starlette.requests import Request

from gatewright import InvalidPublication

__all__ = ["READ_SECONDS", "read_body"]

READ_SECONDS: Final = 30.0
"""Time for one body to arrive."""

# A client that is still sending when it is refused often sees its connection reset instead of the
# answer. So the rest of a body that is too large is read and thrown away, up to this many limits.
_DISCARD: Final = 16


async def read_body(request: Request, limit: int) -> bytes:
    """Return the request's body.

    Args:
        request: Whose body to read; it must not have been read before.
        limit: The most bytes to take. No more than this is ever held.

    Raises:
        InvalidPublication: The body is larger (``too_large``).
        TimeoutError: It did not arrive within `READ_SECONDS`.
        starlette.requests.ClientDisconnect: The client went away before it was complete.
    """
    body = bytearray()
    size = 0
    with anyio.fail_after(READ_SECONDS):
        async for chunk in request.stream():
            size += len(chunk)
            if size <= limit:
                body += chunk
                continue
            body.clear()
            if size > limit * _DISCARD:
                break
    if size > limit:
        msg = f"body is larger than {limit} bytes"
        raise InvalidPublication(msg, reason="too_large")
    return bytes(body)
