"""Answers of the HTTP API, every one of them JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from starlette.responses import Response

from gatewright import BusUnavailable, InvalidPublication

__all__ = [
    "JSON",
    "answer",
    "bus_unavailable",
    "not_valid",
    "refused",
    "unauthorised",
    "unavailable",
]

JSON: Final = "application/json"

_ENCODE: Final = msgspec.json.Encoder().encode
_RETRY: Final = {"Retry-After": "1"}


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with ``body`` as JSON without white space."""
    return Response(_ENCODE(body), status, headers=headers, media_type=JSON)


def refused(status: int, why: str) -> Response:
    """Answer that a request is not granted, and why."""
    return answer({"error": why}, status)


def unauthorised() -> Response:
    """Answer that a key is missing or wrong; the same for both."""
    return refused(401, "missing or wrong api key")


def unavailable(why: str, **more: object) -> Response:
    """Answer that the same request may succeed in a second."""
    return answer({"error": why, **more}, 503, _RETRY)


def bus_unavailable(error: BusUnavailable, **more: object) -> Response:
    """Answer that the bus did not take what was sent."""
    return unavailable(f"the bus is not available: {error.reason}", **more)


def not_valid(error: InvalidPublication, **more: object) -> Response:
    """Answer that what was sent is not valid, and why."""
    status = 413 if error.reason == "too_large" else 400
    return answer({"error": error.detail, **more}, status)
