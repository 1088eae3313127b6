"""Backends that are not what the protocol of their kind asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from gatewright import (
    Authenticator,
    Bus,
    Command,
    Deliver,
    Event,
    EventSink,
    Factory,
    Handshake,
    Identity,
    NoSettings,
    PluginContext,
    Publication,
    Receipt,
    SinkSettings,
    Transport,
    TransportSettings,
)

# -- a method is missing ---------------------------------------------------------------------------


class OneWayAuth:
    async def authenticate(self, handshake: Handshake) -> Identity:
        return Identity(handshake.path)


@asynccontextmanager
async def open_auth(_settings: NoSettings, _context: PluginContext) -> AsyncIterator[OneWayAuth]:
    yield OneWayAuth()


def gatewright_auth() -> Factory[NoSettings, Authenticator]:
    return Factory(  # wrong: pyright[reportReturnType]
        settings=NoSettings,
        open=open_auth,  # wrong: mypy[arg-type]
        summary="lacks reauthenticate",
    )


# -- a method takes other arguments ----------------------------------------------------------------


class DeafTransport:
    reach = "node"

    async def run(self) -> None: ...


@asynccontextmanager
async def open_transport(
    _settings: TransportSettings, _context: PluginContext
) -> AsyncIterator[DeafTransport]:
    yield DeafTransport()


def gatewright_transport() -> Factory[TransportSettings, Transport]:
    return Factory(  # wrong: pyright[reportReturnType]
        settings=TransportSettings,
        open=open_transport,  # wrong: mypy[arg-type]
        summary="run takes no publish",
    )


# -- a method returns something else ---------------------------------------------------------------


class CountingSink:
    async def send(self, batch: Sequence[Event]) -> int:
        return len(batch)


@asynccontextmanager
async def open_sink(
    _settings: SinkSettings, _context: PluginContext
) -> AsyncIterator[CountingSink]:
    yield CountingSink()


def gatewright_events() -> Factory[SinkSettings, EventSink]:
    return Factory(  # wrong: pyright[reportReturnType]
        settings=SinkSettings,
        open=open_sink,  # wrong: mypy[arg-type]
        summary="counts instead of saying what became of each",
    )


# -- a method is not asynchronous ------------------------------------------------------------------


class PlainBus:
    def publish(self, message: Publication | Command, *, count: bool) -> Receipt:
        return Receipt(0)

    async def run(self, deliver: Deliver) -> None: ...


@asynccontextmanager
async def open_bus(_settings: NoSettings, _context: PluginContext) -> AsyncIterator[PlainBus]:
    yield PlainBus()


def gatewright_bus() -> Factory[NoSettings, Bus]:
    return Factory(  # wrong: pyright[reportReturnType]
        settings=NoSettings,
        open=open_bus,  # wrong: mypy[arg-type]
        summary="publish is no coroutine",
    )
