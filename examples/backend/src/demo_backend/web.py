"""What all routes need: bodies with a limit, and errors that say what is wrong."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gatewright_sdk import GatewrightError, Unavailable

__all__ = ["EXCEPTION_HANDLERS", "read_json"]

_MOST_BYTES: Final = 64 * 1024


async def read_json(request: Request) -> Any:  # noqa: ANN401 - whatever it says
    """Return a request's body, parsed.

    Raises:
        HTTPException: 400 where it is no JSON (RFC 8259), 413 where it is beyond 64 KiB.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise HTTPException(413, f"the body is beyond {_MOST_BYTES} bytes")
    try:
        return json.loads(body.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "the body must be JSON") from error


def _no_number(word: str) -> NoReturn:
    msg = f"{word} is not JSON"
    raise ValueError(msg)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for these alone
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


async def _gateway_trouble(_request: Request, error: Exception) -> Response:
    """Answer 503 where the same may work later, 502 where the gateway will not have it."""
    return JSONResponse({"error": str(error)}, 503 if isinstance(error, Unavailable) else 502)


EXCEPTION_HANDLERS: Final[dict[Any, Any]] = {
    HTTPException: _refused,
    GatewrightError: _gateway_trouble,
}
