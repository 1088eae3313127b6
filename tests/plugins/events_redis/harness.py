"""The sink and the store, open, and what they are given."""

from __future__ import annotations

from contextlib import asynccontextmanager

import structlog
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from gatewright import DeadLetter, Event, PluginContext, SystemClock
from gatewright_events_redis import gatewright_dead_letters, gatewright_events


def event(connection="c", seq=1, *, kind="message_received", reason=None, body=b'{"type":"x"}'):
    return Event(kind, f"{connection}-{seq}", seq, connection, "42", body, 1_700_000_000.0, reason)


def letter(number=1, **fields):
    given = {
        "id": f"c-{number}",
        "kind": "event",
        "target": "webhook",
        "reason": "attempts",
        "payload": b'{"n":%d}' % number,
        "type": "message_received",
        "connection_id": "c",
        "user_id": "42",
        "seq": number,
        "first_at": 1_700_000_000.25,
        "last_at": 1_700_000_001.5,
        "attempts": 3,
        "error": "status 500",
    }
    return DeadLetter(**(given | fields))


def context(clock=None):
    return PluginContext(
        name="redis_stream",
        log=structlog.get_logger(),
        metrics=CollectorRegistry(),
        node_id="n",
        spawn=lambda *_: None,
        clock=clock or SystemClock(),
    )


@asynccontextmanager
async def opened(factory, dsn, *, clock=None, **options):
    settings = factory.settings(dsn=SecretStr(dsn), **options)
    async with factory.open(settings, context(clock)) as backend:
        yield backend


def sink(dsn, **options):
    return opened(gatewright_events(), dsn, **options)


def store(dsn, **options):
    return opened(gatewright_dead_letters(), dsn, **options)
