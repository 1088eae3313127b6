"""One conversation in ASGI, by its specification, version 3: a body read with limits, an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, Protocol

__all__ = ["Exchange", "Receive", "Scope", "Send"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class _Answer(Protocol):
    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


class Exchange:
    """A request that is being answered."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._most = 0
        self._seconds = 0.0

    @property
    def method(self) -> str:
        """Such as ``POST``."""
        return str(self._scope["method"])

    @property
    def path(self) -> str:
        """The path as the client sees it, decoded, mounted or not."""
        return str(self._scope["path"])

    @property
    def headers(self) -> Iterable[tuple[bytes, bytes]]:
        """The request's."""
        headers: Iterable[tuple[bytes, bytes]] = self._scope["headers"]
        return headers

    async def serve(
        self,
        answer: Callable[[Exchange], Awaitable[_Answer | None]],
        *,
        max_body_bytes: int,
        body_seconds: float,
    ) -> None:
        """Answer whatever it is; None from ``answer`` means that the client has gone."""
        self._most, self._seconds = max_body_bytes, body_seconds
        if self._scope["type"] == "lifespan":
            await self._live()
        elif self._scope["type"] == "websocket":
            await self._receive()
            await self._send({"type": "websocket.close", "code": 1000})  # HTTP 403: not accepted
        else:
            found = await answer(self)
            if found is not None:
                await self._respond(found)

    async def body(self) -> bytes | int | None:
        """Read the body: 408 for one that is too slow, 413 for a larger one, None without client.

        The rest of one that is too large is read and dropped, up to as much again: a server that
        answers in between may reset the connection before the client has read the answer.
        """
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._seconds):
                while size <= 2 * self._most:
                    message = await self._receive()
                    if message["type"] != "http.request":
                        return None
                    part: bytes = message.get("body", b"")
                    size += len(part)
                    if size <= self._most:
                        parts.append(part)
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            return 408
        return b"".join(parts) if size <= self._most else 413

    async def _respond(self, answer: _Answer) -> None:
        headers = {"content-length": str(len(answer.body)), **answer.headers}
        if answer.status == 204:  # noqa: PLR2004 - No Content: RFC 9110, 8.6, forbids the length
            del headers["content-length"]
        await self._send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            }
        )
        await self._send({"type": "http.response.body", "body": answer.body})

    async def _live(self) -> None:
        """Say yes to start and end: there is nothing to do at either."""
        while True:
            message = await self._receive()
            await self._send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
