"""``GET /internal/connections`` and ``GET /internal/users/{user_id}/connections``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import anyio
import anyio.lowlevel
import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from gatewright import ConnectionInfo, ConnectionPage, Presence
from gatewright_transport_http.answers import JSON, answer, refused, unauthorised, unavailable
from gatewright_transport_http.keys import ApiKeys

__all__ = ["MAX_LIMIT", "PAGE", "PresenceEndpoint"]

PAGE: Final = 1000
"""Connections asked of the store, and encoded, at a time."""

MAX_LIMIT: Final = 10_000
"""The largest ``limit`` a caller may ask for."""

FIND_SECONDS: Final = 5.0
"""Time the store has for one page."""

_ENCODE: Final = msgspec.json.Encoder().encode


class _StoreFailed(Exception):
    """The presence store did not answer."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        super().__init__(error)

    def __str__(self) -> str:
        """Name the error; only the system's own text is sure to hold no secret."""
        name = type(self.error).__name__
        if isinstance(self.error, OSError) and self.error.strerror:
            return f"{name}: {self.error.strerror}"
        return name


class _Filter(NamedTuple):
    subject: str | None
    user_id: str | None


@dataclass(frozen=True, slots=True)
class _Paging:
    limit: int
    cursor: str | None


class PresenceEndpoint:
    """Answers who is connected, all at once or page by page when asked."""

    def __init__(
        self, *, presence: Presence, keys: ApiKeys, requires_key: bool, log: FilteringBoundLogger
    ) -> None:
        self._presence = presence
        self._keys = keys
        self._requires_key = requires_key
        self._log = log

    async def all(self, request: Request) -> Response:
        """Answer for all connections, or those of ``subject`` and ``user_id``."""
        subject = request.query_params.get("subject") or None
        user_id = request.query_params.get("user_id") or None
        return await self._answer(request, _Filter(subject, user_id))

    async def of_user(self, request: Request) -> Response:
        """Answer for the user in the path, whose id may hold any character."""
        return await self._answer(request, _Filter(None, request.path_params["user_id"]))

    async def _answer(self, request: Request, wanted: _Filter) -> Response:
        if self._requires_key and not self._keys.accept_header(request.headers):
            return unauthorised()
        try:
            paging = _paging(request)
        except ValueError as error:
            return refused(400, str(error))
        try:
            if paging is None:
                return await self._everything(wanted)
            return await self._page(wanted, paging)
        except _StoreFailed as failed:
            self._report(failed)
            return unavailable("the presence store is not available")

    async def _page(self, wanted: _Filter, paging: _Paging) -> Response:
        try:
            page = await self._find(wanted, paging.cursor, paging.limit)
        except _StoreFailed as failed:
            if paging.cursor is not None and isinstance(failed.error, ValueError):
                return refused(400, "cursor is not one that an earlier answer gave")
            raise
        rows = [_fields(one) for one in page.connections]
        return answer({"connections": rows, "cursor": page.cursor})

    async def _everything(self, wanted: _Filter) -> Response:
        first = await self._find(wanted, None, PAGE)
        if first.cursor is None and len(first.connections) <= PAGE:
            return Response(b'{"connections":[%b]}' % _rows(first.connections), media_type=JSON)
        return _Stream(self._stream(wanted, first), self._report)

    async def _stream(self, wanted: _Filter, page: ConnectionPage) -> AsyncIterator[bytes]:
        yield b'{"connections":['
        separator = b""
        while True:
            for start in range(0, len(page.connections), PAGE):
                yield separator + _rows(page.connections[start : start + PAGE])
                separator = b","
                await anyio.lowlevel.checkpoint()
            if page.cursor is None:
                break
            page = await self._find(wanted, page.cursor, PAGE)
        yield b"]}"

    async def _find(self, wanted: _Filter, cursor: str | None, limit: int) -> ConnectionPage:
        if wanted.user_id == "":  # nobody has an empty id; it must not read as "no filter"
            return ConnectionPage(())
        try:
            with anyio.fail_after(FIND_SECONDS):
                return await self._presence.find(
                    subject=wanted.subject, user_id=wanted.user_id, cursor=cursor, limit=limit
                )
        except Exception as error:  # noqa: BLE001 - whatever a store raises, it has no answer
            raise _StoreFailed(error) from None

    def _report(self, failed: _StoreFailed) -> None:
        self._log.warning("presence store did not answer", error=str(failed))


class _Stream(StreamingResponse):
    """A list that is cut off, not completed, where the store fails half-way.

    The status is long sent by then. Ending without the last chunk makes the server drop the
    connection, which every HTTP client reports as an incomplete answer.
    """

    def __init__(
        self, content: AsyncIterator[bytes], report: Callable[[_StoreFailed], None]
    ) -> None:
        super().__init__(content, media_type=JSON)
        self._report = report

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except _StoreFailed as failed:
            self._report(failed)


def _paging(request: Request) -> _Paging | None:
    """Read ``limit`` and ``cursor``; ``None`` where neither is given.

    Raises:
        ValueError: ``limit`` is no number in its range; the text is for the caller.
    """
    parameters = request.query_params
    if "limit" not in parameters and "cursor" not in parameters:
        return None
    text = parameters.get("limit") or str(PAGE)
    limit = int(text) if text.isascii() and text.isdecimal() and len(text) <= len("10000") else 0
    if not 1 <= limit <= MAX_LIMIT:
        msg = f"limit must be a number from 1 to {MAX_LIMIT}"
        raise ValueError(msg)
    return _Paging(limit, parameters.get("cursor") or None)


def _rows(connections: Sequence[ConnectionInfo]) -> bytes:
    return _ENCODE([_fields(one) for one in connections])[1:-1]


def _fields(connection: ConnectionInfo) -> dict[str, object]:
    """Exactly what the contract names, whatever a connection may come to hold."""
    return {
        "connection_id": connection.connection_id,
        "user_id": connection.user_id,
        "subjects": connection.subjects,
        "connected_at": connection.connected_at,
    }
