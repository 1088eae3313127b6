"""A real HTTP server on loopback whose answers a test decides."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import h11

from gatewright.testing.ports import LOOPBACK

__all__ = ["Answer", "Request", "Script", "answering"]

_CHUNK: Final = 65536


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in.

    Attributes:
        method: Such as ``POST``.
        path: The target, with its query.
        headers: Values by lower-case name; of several with one name, the last.
        body: Its bytes.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - whatever it says
        """Return the body, parsed."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        status: Its status.
        body: Its bytes.
        headers: Its headers, beside ``Content-Length``.
    """

    status: int = HTTPStatus.NO_CONTENT
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Any, status: int = HTTPStatus.OK) -> Answer:  # noqa: ANN401 - any JSON
        """Answer with a document as JSON."""
        body = json.dumps(document).encode()
        return cls(status, body, {"Content-Type": "application/json"})


Script = Callable[[Request, int], Answer | Awaitable[Answer]]
"""Answers a request, given its number from 0; may wait first."""


@asynccontextmanager
async def answering(
    handle: Callable[[Request], Awaitable[Answer]], port: int = 0
) -> AsyncIterator[int]:
    """Serve HTTP/1.1 while the context lasts; yields the port.

    Clients that are still connected at the end are cut off.
    """
    clients: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        clients.add(task)
        try:
            with suppress(ConnectionError, h11.RemoteProtocolError, asyncio.CancelledError):
                await _Client(reader, writer).serve(handle)
        finally:
            clients.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(serve, LOOPBACK, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for client in tuple(clients):
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


class _Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER)

    async def serve(self, handle: Callable[[Request], Awaitable[Answer]]) -> None:
        """Answer requests until the client has gone."""
        while (request := await self._request()) is not None:
            await self._send(await handle(request))
            if self._http.our_state is not h11.DONE:
                return
            self._http.start_next_cycle()

    async def _request(self) -> Request | None:
        head = await self._event()
        if not isinstance(head, h11.Request):
            return None
        body = b""
        while isinstance(data := await self._event(), h11.Data):
            body += data.data
        headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
        return Request(head.method.decode(), head.target.decode(), headers, body)

    async def _event(self) -> Any:  # noqa: ANN401 - h11's events have no common type
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=HTTPStatus.CONTINUE, headers=[])
                await self._write(self._http.send(go_on))
            self._http.receive_data(await self._reader.read(_CHUNK))
        return event

    async def _send(self, answer: Answer) -> None:
        headers = {**answer.headers}
        if answer.status != HTTPStatus.NO_CONTENT:
            headers["Content-Length"] = str(len(answer.body))
        response = h11.Response(status_code=answer.status, headers=[*headers.items()])
        data = self._http.send(response) or b""
        if answer.body:
            data += self._http.send(h11.Data(data=answer.body)) or b""
        await self._write(data + (self._http.send(h11.EndOfMessage()) or b""))

    async def _write(self, data: bytes | None) -> None:
        self._writer.write(data or b"")
        await self._writer.drain()
