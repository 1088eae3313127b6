"""Rules for extensions."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import pytest
from prometheus_client import CollectorRegistry

from gatewright.events.observers import Observer
from gatewright.model import ConnectionInfo, Event
from gatewright.plugin.host import Host
from gatewright.plugin.offered import OBSERVERS
from gatewright.plugin.settings import EVENT_TYPES
from gatewright.plugin.spec import Kind
from gatewright.server.plugin_routes import RoutesUnusable, RouteTaken, plugin_routes
from gatewright.server.routes import core_routes
from gatewright.testing.conformance.base import Case, Conformance
from gatewright.testing.conformance.rules import rule
from gatewright.wire import event as encoding

__all__ = ["ExtensionCase", "ExtensionConformance"]

MANY: Final = 20_000
TURNS: Final = 10
WEBSOCKET: Final = "/ws"


@dataclass(frozen=True, kw_only=True)
class ExtensionCase(Case):
    """An extension under test."""


class ExtensionConformance(Conformance[ExtensionCase]):
    """Rules for an extension's routes and observers, as far as it has them."""

    kind: ClassVar[Kind] = "extension"

    @asynccontextmanager
    async def at_work(self, case: ExtensionCase) -> AsyncIterator[object]:
        """Open an extension, whose ``run`` has begun."""
        async with self.running(case) as extension:
            for _ in range(TURNS):
                await asyncio.sleep(0)
            yield extension

    @rule("EXTENSION-1", "`routes()` returns Starlette routes, at once and without raising.")
    async def test_extension_1_offers_routes(self, case: ExtensionCase) -> None:
        async with self.open(case) as host:
            try:
                routes(host)
            except RoutesUnusable as error:
                pytest.fail(str(error))
            except RouteTaken:
                return  # by another rule

    @rule(
        "EXTENSION-2",
        "Its routes are none that the gateway answers: `/health`, `/ready`, `/metrics`, and the "
        "path of the WebSocket.",
    )
    async def test_extension_2_takes_free_paths(self, case: ExtensionCase) -> None:
        async with self.open(case) as host:
            try:
                routes(host)
            except RouteTaken as error:
                pytest.fail(str(error))
            except RoutesUnusable:
                return  # by another rule

    @rule(
        "EXTENSION-3",
        "Its observers return `None` for events of every type, and no coroutine.",
    )
    async def test_extension_3_observes(self, case: ExtensionCase) -> None:
        async with self.at_work(case) as extension:
            for event in ordinary():
                assert not [*filter(None, shown(extension, event))], event.type

    @rule(
        "EXTENSION-4",
        "Unusual events are none that it raises at: without `seq`, with a `reason`, with a text in "
        "place of an object, large, in any script, of a connection that was never heard of.",
    )
    async def test_extension_4_observes_the_unusual(self, case: ExtensionCase) -> None:
        async with self.at_work(case) as extension:
            for event in unusual():
                shown(extension, event)

    @rule(
        "EXTENSION-5",
        "Any number of events may come before its own tasks have a turn: it drops what is too "
        "much, and does not raise.",
    )
    async def test_extension_5_bears_a_flood(self, case: ExtensionCase) -> None:
        async with self.at_work(case) as extension:
            some = [*ordinary()]
            for number in range(MANY):
                shown(extension, some[number % len(some)])

    @rule("EXTENSION-6", "Events may come while `run` is not running, as before it is restarted.")
    async def test_extension_6_observes_without_run(self, case: ExtensionCase) -> None:
        async with self.open(case) as host:
            for event in ordinary():
                shown(host.backend, event)

    @rule("EXTENSION-7", "It has no method that only looks like an observer and sees no event.")
    async def test_extension_7_spells_its_observers(self, case: ExtensionCase) -> None:
        async with self.open(case) as host:
            assert not [*Observer(host.name, host.backend).misspelt()]


def routes(host: Host[Any]) -> None:
    """Have a gateway collect an extension's routes."""
    core = core_routes(lambda: (True, {}), CollectorRegistry())
    plugin_routes([host], core=core, websocket=WEBSOCKET)


def shown(extension: object, event: Event) -> list[object]:
    """Show an event to whatever sees its type; return what comes back, coroutines closed."""
    names = [name for name in OBSERVERS if name in {"on_event", f"on_{event.type}"}]
    observing = [getattr(extension, name, None) for name in names]
    answers = [observer(event) for observer in observing if observer is not None]
    for answer in answers:
        if inspect.iscoroutine(answer):
            answer.close()
    return answers


def ordinary() -> Iterator[Event]:
    """Yield the events of a short life."""
    one = ConnectionInfo("connection-1", "42", ("user:42", "news"), 1_700_000_000)
    fields = encoding.connection_fields(one)
    bodies = {
        "connected": encoding.plain_body("connected", fields),
        "message_received": encoding.message_body(fields, '{"say":"hi"}'),
        "disconnected": encoding.plain_body("disconnected", fields),
    }
    for seq, event_type in enumerate(EVENT_TYPES, start=1):
        body, at = bodies[event_type], 1_700_000_000.0 + seq
        yield Event(event_type, f"event-{seq}", seq, one.connection_id, one.user_id, body, at)


def unusual() -> Iterator[Event]:
    """Yield events that come seldom."""
    stranger = ConnectionInfo("connection-2", "李 'jürgen' 🙂", ("user:李 'jürgen' 🙂",), 0)
    fields = encoding.connection_fields(stranger)
    lost = encoding.lost_event(stranger, 1_700_000_000.0)
    yield lost
    yield lost  # whoever says it, and however often
    said = replace(lost, type="message_received", reason=None)
    for number, text in enumerate(("", "\x00", "no JSON, 李 🙂", "x" * 1_000_000), start=1):
        body = encoding.raw_message_body(fields, text)
        yield replace(said, id=f"said-{number}", seq=number, body=body)
    for number, text in enumerate(("{}", '{"a":' * 60 + "1" + "}" * 60), start=5):
        body = encoding.message_body(fields, text)
        yield replace(said, id=f"said-{number}", seq=number, body=body)
