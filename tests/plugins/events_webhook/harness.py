"""What the tests of this plugin share: events, contexts, opened sinks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from prometheus_client import CollectorRegistry
from structlog.testing import LogCapture

from gatewright import Clock, Event, Outcome, PluginContext, SystemClock
from gatewright_events_webhook import WebhookSettings, WebhookSink, gatewright_events

BODY = (
    b'{"type":"message_received","connection_id":"c-1","user_id":"42","subjects":["user:42"],'
    b'"connected_at":1700000000,"message":{"text":"gr\xc3\xbc\xc3\x9fe"},"raw":"{}"}'
)
NOW = 1_700_000_123.75


@dataclass
class SteppedClock:
    """A clock that stands still until a test moves it."""

    wall: float = NOW
    steady: float = 1000.0

    def time(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.steady


@dataclass
class Opened:
    """A sink, its clock and what it logged."""

    sink: WebhookSink
    clock: SteppedClock
    captured: LogCapture = field(default_factory=LogCapture)

    @property
    def logged(self) -> list[Any]:
        return self.captured.entries

    async def send(self, one: Event | None = None) -> Outcome:
        (outcome,) = await self.sink.send([one or event()])
        return outcome


def event(number: int = 1, *, body: bytes = BODY, reason: str | None = None) -> Event:
    return Event(
        type="message_received",
        id=f"evt-{number}",
        seq=number,
        connection_id=f"c-{number}",
        user_id="42",
        body=body,
        occurred_at=NOW,
        reason=reason,
    )


def context(captured: LogCapture | None = None, clock: Clock | None = None) -> PluginContext:
    return PluginContext(
        name="webhook",
        log=structlog.wrap_logger(
            None,
            processors=[captured or LogCapture()],
            wrapper_class=structlog.make_filtering_bound_logger(0),
        ),
        metrics=CollectorRegistry(),
        node_id="gw-1",
        spawn=lambda *_: None,
        clock=clock or SystemClock(),
    )


@asynccontextmanager
async def opened(**options: Any) -> AsyncIterator[Opened]:
    """Open the sink as the core would, through its hook."""
    captured, clock = LogCapture(), SteppedClock()
    settings = WebhookSettings(**options)
    async with gatewright_events().open(settings, context(captured, clock)) as sink:
        yield Opened(sink, clock, captured)
