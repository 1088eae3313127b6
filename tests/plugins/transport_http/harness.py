"""Doubles and a server for the tests of the http transport."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx
import structlog
from hypercorn.asyncio import serve
from hypercorn.config import Config
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from structlog.testing import LogCapture

from gatewright import (
    Command,
    ConnectionInfo,
    ConnectionPage,
    PluginContext,
    Publication,
    PublicationLimits,
    Receipt,
    ServerInfo,
)
from gatewright_transport_http import HttpSettings
from gatewright_transport_http.transport import HttpTransport, open_transport

KEY = "s3cret"


def connection(number: int = 1, user_id: str = "42", *more: str) -> ConnectionInfo:
    return ConnectionInfo(f"c-{number}", user_id, (f"user:{user_id}", *more), 1_700_000_000)


@dataclass
class FakePresence:
    """A store that pages by index and writes down what it was asked."""

    connections: Sequence[ConnectionInfo] = ()
    asked: list[dict[str, Any]] = field(default_factory=list)
    fails: Callable[[str | None], Exception | None] = lambda _cursor: None
    refresh_seconds: float | None = None

    async def joined(self, batch: Sequence[ConnectionInfo]) -> None: ...
    async def left(self, batch: Sequence[ConnectionInfo]) -> None: ...
    async def refresh(self, batch: Sequence[ConnectionInfo]) -> None: ...

    async def find(
        self,
        *,
        subject: str | None = None,
        user_id: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> ConnectionPage:
        self.asked.append(
            {"subject": subject, "user_id": user_id, "cursor": cursor, "limit": limit}
        )
        if (error := self.fails(cursor)) is not None:
            raise error
        found = [
            one
            for one in self.connections
            if (subject is None or subject in one.subjects)
            and (user_id is None or user_id == one.user_id)
        ]
        start = 0 if cursor is None else int(cursor)
        end = len(found) if limit is None else start + limit
        return ConnectionPage(found[start:end], str(end) if end < len(found) else None)


@dataclass
class Core:
    """The core as the transport sees it: takes what it is given and answers as told."""

    answers: Callable[[Any], Receipt] = lambda _message: Receipt(1)
    published: list[Publication] = field(default_factory=list)
    counts: list[bool] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)

    async def publish(self, publication: Publication, *, count: bool = True) -> Receipt:
        receipt = self.answers(publication)
        self.published.append(publication)
        self.counts.append(count)
        return receipt

    async def command(self, command: Command) -> Receipt:
        receipt = self.answers(command)
        self.commands.append(command)
        return receipt


@dataclass
class Api:
    """An open transport behind an application, the doubles around it, and a client."""

    transport: HttpTransport
    app: Starlette
    core: Core
    presence: FakePresence
    client: httpx.AsyncClient
    logged: list[Any]
    registry: CollectorRegistry

    def counted(self, route: str, status: int) -> float:
        labels = {"route": route, "status": str(status)}
        return self.registry.get_sample_value("gatewright_http_requests_total", labels) or 0

    async def publish(self, body: Any, **headers: str) -> httpx.Response:
        return await self.post("/internal/publish", body, **headers)

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, bytes):
            return await self.client.post(path, content=body, headers=given)
        return await self.client.post(path, json=body, headers=given)


@asynccontextmanager
async def opened(
    *,
    running: bool = True,
    presence: FakePresence | None = None,
    answers: Callable[[Any], Receipt] = lambda _message: Receipt(1),
    limits: PublicationLimits | None = None,
    separate_internal: bool = True,
    name: str = "http",
    **options: Any,
) -> AsyncIterator[Api]:
    """Open the transport with ``options`` over the defaults of these tests."""
    settings = HttpSettings.model_validate({"api_keys": [KEY]} | options)
    presence = presence or FakePresence()
    core = Core(answers)
    capture = LogCapture()
    registry = CollectorRegistry()
    context = PluginContext(
        name=name,
        log=structlog.wrap_logger(None, processors=[capture]),
        metrics=registry,
        node_id="n1",
        spawn=lambda *_: None,
        limits=limits or PublicationLimits(),
        server=ServerInfo(separate_internal=separate_internal),
        provided={"presence": presence, "command": core.command},
    )
    async with open_transport(settings, context) as transport, anyio.create_task_group() as tasks:
        app = Starlette(routes=list(transport.routes()))
        asgi = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=asgi, base_url="http://gateway") as client:
            if running:
                tasks.start_soon(transport.run, core.publish)
                await anyio.wait_all_tasks_blocked()
            yield Api(transport, app, core, presence, client, capture.entries, registry)
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[int]:
    """Serve ``app`` with hypercorn on a loopback port of its own, and yield the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.graceful_timeout = 1
    config.errorlog = None
    stop = anyio.Event()
    async with anyio.create_task_group() as tasks:

        async def run() -> None:
            await serve(app, config, shutdown_trigger=stop.wait)

        tasks.start_soon(run)
        try:
            yield port
        finally:
            stop.set()
