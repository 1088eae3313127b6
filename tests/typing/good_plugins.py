"""Plugins of all eight kinds as their authors would write them; type checkers must accept this.

Every hook names the protocol of its kind, so that a backend that lacks something is an error here.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from pydantic import Field, PositiveFloat, SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from gatewright import (
    Admission,
    AuthenticationError,
    Authenticator,
    Bus,
    BusUnavailable,
    Command,
    ConnectionInfo,
    ConnectionPage,
    DeadLetter,
    DeadLetterStore,
    Deliver,
    Done,
    Event,
    EventSink,
    Extension,
    ExtensionSettings,
    Factory,
    Handshake,
    Health,
    Identity,
    InvalidPublication,
    NoSettings,
    Outcome,
    PluginContext,
    Presence,
    Publication,
    Publish,
    RateLimit,
    Reach,
    Receipt,
    Reject,
    Retry,
    Settings,
    SinkSettings,
    StoredDeadLetter,
    Transport,
    TransportSettings,
    hookimpl,
    parse_publication,
    user_subject,
)

GATEWRIGHT_API = (1, 0)

WRONG = "password"
FULL = "the queue is full"


# -- auth ------------------------------------------------------------------------------------------


class PasswordSettings(Settings):
    """One password for everybody."""

    password: Annotated[SecretStr, Field(description="What clients must know.")]
    seconds: Annotated[PositiveFloat | None, Field(description="How long they may stay.")] = None


class PasswordAuth:
    def __init__(self, settings: PasswordSettings, context: PluginContext) -> None:
        self._password = settings.password.get_secret_value().encode()
        self._seconds = settings.seconds
        self._clock = context.clock

    async def authenticate(self, handshake: Handshake) -> Identity:
        user, _, password = handshake.headers.get("authorization", "").partition(":")
        if not user or not hmac.compare_digest(password.encode(), self._password):
            raise AuthenticationError(WRONG)
        close_at = None if self._seconds is None else self._clock.time() + self._seconds
        return Identity(user, subjects=(user_subject(user),), close_at=close_at)

    async def reauthenticate(self, token: str, identity: Identity) -> Identity:
        if not hmac.compare_digest(token.encode(), self._password):
            raise AuthenticationError(WRONG)
        return identity


@asynccontextmanager
async def open_auth(
    settings: PasswordSettings, context: PluginContext
) -> AsyncIterator[PasswordAuth]:
    yield PasswordAuth(settings, context)


@hookimpl
def gatewright_auth() -> Factory[PasswordSettings, Authenticator]:
    return Factory(settings=PasswordSettings, open=open_auth, summary="one password")


# -- transport -------------------------------------------------------------------------------------


class FolderSettings(TransportSettings):
    """Publications are files of a folder."""

    folder: Path
    every: PositiveFloat = 1.0


class FolderTransport:
    reach: Reach = "node"

    def __init__(self, settings: FolderSettings, context: PluginContext) -> None:
        self._settings = settings
        self._context = context
        self._bad = 0

    async def run(self, publish: Publish) -> None:
        while True:
            for path in sorted(self._settings.folder.glob("*.json")):
                await self._one(path, publish)
            await asyncio.sleep(self._settings.every)

    async def _one(self, path: Path, publish: Publish) -> None:
        context = self._context
        try:
            data = await asyncio.to_thread(path.read_bytes)
            publication = parse_publication(data, source=context.name, limits=context.limits)
            receipt = await publish(publication, count=False)
        except InvalidPublication as error:
            self._bad += 1
            context.log.warning("file refused", reason=error.reason)
        except BusUnavailable:
            return
        else:
            context.log.debug("published", sent=receipt.sent)
        await asyncio.to_thread(path.unlink)

    def health(self) -> Health:
        return Health(ready=self._settings.folder.is_dir(), facts={"refused": self._bad})


@asynccontextmanager
async def open_transport(
    settings: FolderSettings, context: PluginContext
) -> AsyncIterator[FolderTransport]:
    context.step(f"looking for {settings.folder}")
    settings.folder.mkdir(exist_ok=True)
    yield FolderTransport(settings, context)


@hookimpl
def gatewright_transport() -> Factory[FolderSettings, Transport]:
    return Factory(settings=FolderSettings, open=open_transport, summary="files of a folder")


# -- presence --------------------------------------------------------------------------------------


class DictPresence:
    refresh_seconds: float | None = None

    def __init__(self) -> None:
        self._connections: dict[str, ConnectionInfo] = {}

    async def joined(self, batch: Sequence[ConnectionInfo]) -> None:
        self._connections |= {each.connection_id: each for each in batch}

    async def left(self, batch: Sequence[ConnectionInfo]) -> None:
        for each in batch:
            self._connections.pop(each.connection_id, None)

    async def refresh(self, batch: Sequence[ConnectionInfo]) -> None:
        await self.joined(batch)

    async def find(
        self,
        *,
        subject: str | None = None,
        user_id: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> ConnectionPage:
        if cursor is not None:
            raise ValueError(cursor)
        found = [
            each
            for each in self._connections.values()
            if subject in (None, *each.subjects) and user_id in (None, each.user_id)
        ]
        return ConnectionPage(found[:limit])


@asynccontextmanager
async def open_presence(
    _settings: NoSettings, _context: PluginContext
) -> AsyncIterator[DictPresence]:
    yield DictPresence()


@hookimpl
def gatewright_presence() -> Factory[NoSettings, Presence]:
    return Factory(settings=NoSettings, open=open_presence, summary="a dictionary")


# -- events and dead letters -----------------------------------------------------------------------


class LinesSettings(SinkSettings):
    """Events are lines of a file."""

    path: Path
    largest: Annotated[int, Field(gt=0, description="Bytes of an event.")] = 4096
    batch: int = 64


class LinesSink:
    def __init__(self, settings: LinesSettings) -> None:
        self._settings = settings

    async def send(self, batch: Sequence[Event]) -> Sequence[Outcome]:
        return [self._one(event) for event in batch]

    def _one(self, event: Event) -> Outcome:
        if len(event.body) > self._settings.largest:
            return Reject("too_large")
        try:
            with self._settings.path.open("ab") as file:
                file.write(event.body + b"\n")
        except OSError as error:
            return Retry(type(error).__name__, after=1.0)
        return Done()


@asynccontextmanager
async def open_events(settings: LinesSettings, _context: PluginContext) -> AsyncIterator[LinesSink]:
    yield LinesSink(settings)


@hookimpl
def gatewright_events() -> Factory[LinesSettings, EventSink]:
    return Factory(settings=LinesSettings, open=open_events, summary="lines of a file")


class ListStore:
    def __init__(self) -> None:
        self._letters: dict[str, StoredDeadLetter] = {}
        self._count = 0

    async def put(self, records: Sequence[DeadLetter]) -> None:
        for record in records:
            self._count += 1
            key = f"{self._count:09}"
            self._letters[key] = StoredDeadLetter(key, record)

    async def read(self, after: str | None = None, limit: int = 100) -> Sequence[StoredDeadLetter]:
        return [each for key, each in self._letters.items() if key > (after or "")][:limit]

    async def mark(self, key: str, state: str) -> None:
        if (stored := self._letters.get(key)) is not None:
            self._letters[key] = StoredDeadLetter(key, stored.letter, state)

    async def remove(self, keys: Sequence[str]) -> int:
        return sum(self._letters.pop(key, None) is not None for key in keys)


@asynccontextmanager
async def open_dead_letters(
    _settings: NoSettings, _context: PluginContext
) -> AsyncIterator[ListStore]:
    yield ListStore()


@hookimpl
def gatewright_dead_letters() -> Factory[NoSettings, DeadLetterStore]:
    return Factory(settings=NoSettings, open=open_dead_letters, summary="a list")


# -- rate limit ------------------------------------------------------------------------------------


class EveryOther:
    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._next = 0.0

    def admit(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._interval
        return True


class IntervalLimit:
    burst = 1.0

    def __init__(self, per_second: float) -> None:
        self.per_second = per_second

    def admission(self, connection: ConnectionInfo) -> Admission | None:
        return None if connection.user_id == "root" else EveryOther(1 / self.per_second)


class IntervalSettings(Settings):
    """How often."""

    per_second: PositiveFloat = 10.0


@asynccontextmanager
async def open_rate_limit(
    settings: IntervalSettings, _context: PluginContext
) -> AsyncIterator[IntervalLimit]:
    yield IntervalLimit(settings.per_second)


@hookimpl
def gatewright_rate_limit() -> Factory[IntervalSettings, RateLimit]:
    return Factory(settings=IntervalSettings, open=open_rate_limit, summary="even intervals")


# -- bus -------------------------------------------------------------------------------------------


class QueueBus:
    def __init__(self) -> None:
        self._queue: asyncio.Queue[Publication | Command] = asyncio.Queue(1000)

    async def publish(self, message: Publication | Command, *, count: bool) -> Receipt:
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            raise BusUnavailable(FULL) from None
        return Receipt(None, exact=False)

    async def run(self, deliver: Deliver) -> None:
        while True:
            deliver(await self._queue.get())


@asynccontextmanager
async def open_bus(_settings: NoSettings, _context: PluginContext) -> AsyncIterator[QueueBus]:
    yield QueueBus()


@hookimpl
def gatewright_bus() -> Factory[NoSettings, Bus]:
    return Factory(settings=NoSettings, open=open_bus, summary="a queue")


# -- extension -------------------------------------------------------------------------------------


class RecentSettings(ExtensionSettings):
    """How many events are shown."""

    events: Annotated[int, Field(gt=0, description="Events that are remembered.")] = 100


class Recent:
    """Remembers events, shows them over HTTP, and greets who connects."""

    def __init__(self, settings: RecentSettings, context: PluginContext) -> None:
        self._recent: deque[Event] = deque(maxlen=settings.events)
        self._joined: asyncio.Queue[str] = asyncio.Queue(1000)
        self._context = context

    def on_event(self, event: Event) -> None:
        self._recent.append(event)

    def on_connected(self, event: Event) -> None:
        if not self._joined.full():
            self._joined.put_nowait(event.user_id)

    async def run(self) -> None:
        while True:
            subject = user_subject(await self._joined.get())
            payload = json.dumps({"welcome": True}).encode()
            await self._context.publish(Publication((subject,), payload))

    def routes(self) -> Sequence[BaseRoute]:
        return [Route("/internal/recent", self._show)]

    async def _show(self, _request: Request) -> JSONResponse:
        return JSONResponse([event.id for event in self._recent])


@asynccontextmanager
async def open_extension(settings: RecentSettings, context: PluginContext) -> AsyncIterator[Recent]:
    yield Recent(settings, context)


@hookimpl
def gatewright_extension() -> Factory[RecentSettings, Extension]:
    return Factory(
        settings=RecentSettings,
        open=open_extension,
        summary="the last events",
        needs=frozenset({"publish"}),
    )
