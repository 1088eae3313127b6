"""The console page of ``gatewright dev``: connect, publish and watch from a browser.

It hands out tokens to whoever asks, so it opens only in development.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Final

import anyio
import msgspec
from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from gatewright import (
    BusUnavailable,
    Event,
    Factory,
    InvalidPublication,
    PluginContext,
    Settings,
    StartError,
    hookimpl,
    is_user_id,
    parse_publication,
)
from gatewright.builtin.dev_console_feed import EventFeed, Watcher, counters, server_sent
from gatewright.builtin.dev_console_guard import Guard

__all__ = ["GATEWRIGHT_API", "DevConsole", "DevConsoleSettings", "gatewright_extension"]

GATEWRIGHT_API: Final = (1, 0)

TICK_SECONDS: Final = 1.0
SHOWN_CONNECTIONS: Final = 200
MAX_TOKEN_REQUEST_BYTES: Final = 8_192

_MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class DevConsoleSettings(Settings):
    """The settings of the console page."""

    hosts: Annotated[
        tuple[str, ...],
        Field(description="Host names the page may be called by, beside localhost and addresses."),
    ] = ()


class NotInDevelopment(StartError):
    """The console page was named in a configuration that is served."""

    def __str__(self) -> str:
        return "dev_console serves only under gatewright dev"


class _TokenRequest(msgspec.Struct):
    user_id: str


class DevConsole:
    """The page, what it asks for, and the events it shows."""

    def __init__(self, context: PluginContext, guard: Guard, assets: Mapping[str, bytes]) -> None:
        self._context = context
        self._guard = guard
        self._assets = assets
        self._boot = secrets.token_hex(4)
        self._feed = EventFeed(self._boot)

    def routes(self) -> Sequence[BaseRoute]:
        """Return the page, its assets and the four things it asks for."""
        guarded = self._guard
        return [
            Route("/", guarded(self._page), methods=["GET"]),
            Route("/console/token", guarded(self._token), methods=["POST"]),
            Route("/console/publish", guarded(self._publish), methods=["POST"]),
            Route("/console/connections", guarded(self._connections), methods=["GET"]),
            Route("/console/events", guarded(self._events), methods=["GET"]),
            Route("/console/{asset:path}", guarded(self._asset), methods=["GET"]),
        ]

    def on_event(self, event: Event) -> None:
        """Show an event to all who watch."""
        self._feed.add(event)

    async def run(self) -> None:
        """Do nothing until cancelled, then end all streams: a stop must not wait for them."""
        try:
            await anyio.sleep_forever()
        finally:
            self.close()

    def close(self) -> None:
        """End all streams."""
        self._feed.close()

    async def _page(self, _request: Request) -> Response:
        return _file(self._assets, "index.html")

    async def _asset(self, request: Request) -> Response:
        return _file(self._assets, request.path_params["asset"])

    async def _token(self, request: Request) -> Response:
        try:
            body = await _body(request, MAX_TOKEN_REQUEST_BYTES)
            user_id = msgspec.json.decode(body, type=_TokenRequest).user_id
        except (InvalidPublication, msgspec.DecodeError) as error:
            return _problem(400, str(error))
        if not is_user_id(user_id):
            return _problem(400, "a user id is 1 to 512 bytes without control characters")
        token = self._context.issue_token(user_id)
        return JSONResponse({"token": token, "path": self._context.server.path})

    async def _publish(self, request: Request) -> Response:
        limits = self._context.limits
        try:
            body = await _body(request, limits.max_bytes)
            publication = parse_publication(body, source=self._context.name, limits=limits)
            receipt = await self._context.publish(publication)
        except InvalidPublication as error:
            return _problem(413 if error.reason == "too_large" else 400, str(error))
        except BusUnavailable as error:
            return _problem(503, str(error))
        return JSONResponse({"sent": receipt.sent})

    async def _connections(self, _request: Request) -> Response:
        page = await self._context.presence.find(limit=SHOWN_CONNECTIONS)
        shown = {"connections": page.connections, "more": page.cursor is not None}
        return Response(msgspec.json.encode(shown), media_type="application/json")

    async def _events(self, request: Request) -> Response:
        stream = self._stream(request.headers.get("last-event-id", ""))
        return StreamingResponse(stream, media_type="text/event-stream")

    async def _stream(self, last_id: str) -> AsyncIterator[bytes]:
        with self._feed.watch(last_id) as watcher:
            yield self._hello()
            async for chunk in self._chunks(watcher):
                yield chunk

    async def _chunks(self, watcher: Watcher) -> AsyncIterator[bytes]:
        clock = self._context.clock
        counted_at = clock.monotonic()
        while not watcher.closed:
            due = counted_at + TICK_SECONDS - clock.monotonic()
            taken = await watcher.take(max(0.0, due))
            chunk = b"".join(taken.blocks)
            if taken.lost:
                chunk += server_sent("lost", {"events": taken.lost})
            if clock.monotonic() - counted_at >= TICK_SECONDS:
                counted_at = clock.monotonic()
                chunk += server_sent("counters", counters(self._context.metrics))
            if chunk:
                yield chunk

    def _hello(self) -> bytes:
        about = {"boot": self._boot, "node": self._context.node_id}
        now = server_sent("counters", counters(self._context.metrics))
        return b"retry: 1000\n" + server_sent("hello", about) + now


@hookimpl
def gatewright_extension() -> Factory[DevConsoleSettings, DevConsole]:
    """Declare the console page."""
    return Factory(
        settings=DevConsoleSettings,
        open=_open,
        summary="The console page of gatewright dev.",
        needs=frozenset({"publish", "presence", "issue_token"}),
    )


@asynccontextmanager
async def _open(settings: DevConsoleSettings, context: PluginContext) -> AsyncIterator[DevConsole]:
    if not context.server.development:
        raise NotInDevelopment
    console = DevConsole(context, Guard(settings.hosts), _read_assets())
    try:
        yield console
    finally:
        console.close()


def _read_assets() -> dict[str, bytes]:
    """Return the page's files, and below ``gatewright/`` the client that it loads."""
    folder = files("gatewright.builtin").joinpath("dev_console_assets")
    return _files(folder) | _files(folder.joinpath("gatewright"), "gatewright/")


def _files(folder: Traversable, prefix: str = "") -> dict[str, bytes]:
    found = (file for file in folder.iterdir() if file.is_file())
    return {f"{prefix}{file.name}": file.read_bytes() for file in found}


def _file(assets: Mapping[str, bytes], name: str) -> Response:
    media_type = _MEDIA_TYPES.get(name[name.rfind(".") :])
    if media_type is None or name not in assets:
        return _problem(404, "no such file")
    return Response(assets[name], media_type=media_type)


async def _body(request: Request, most: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            msg = f"the body is beyond {most} bytes"
            raise InvalidPublication(msg, reason="too_large")
    return bytes(body)


def _problem(status: int, error: str) -> Response:
    return JSONResponse({"error": error}, status)
