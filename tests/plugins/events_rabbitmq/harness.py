"""The sink and the store, open and running, and a backend that knows the contract alone."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import aiormq
import structlog
from pamqp.commands import Basic
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from gatewright import DeadLetter, Done, Event, PluginContext
from gatewright_events_rabbitmq import gatewright_dead_letters, gatewright_events

PATIENCE = 40.0
NAME = "ws.events"


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


@asynccontextmanager
async def opened(factory, dsn, **options):
    settings = factory.settings(dsn=SecretStr(dsn), **options)
    context = PluginContext(
        name="rabbitmq",
        log=structlog.get_logger(),
        metrics=CollectorRegistry(),
        node_id="n",
        spawn=lambda *_: None,
    )
    async with factory.open(settings, context) as backend:
        yield backend


def sink(dsn, **options):
    return opened(gatewright_events(), dsn, **options)


def store(dsn, **options):
    return opened(gatewright_dead_letters(), dsn, **options)


@asynccontextmanager
async def running(backend):
    """Run it beside, as the core does."""
    task = asyncio.create_task(backend.run())
    try:
        yield backend
        assert not task.done(), "it ends by itself"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def running_sink(dsn, **options):
    async with AsyncExitStack() as stack:
        backend = await stack.enter_async_context(sink(dsn, **options))
        await stack.enter_async_context(running(backend))
        await is_ready(backend)
        yield backend


async def is_ready(backend, ready=True):
    async with asyncio.timeout(PATIENCE):
        while backend.health().ready is not ready:
            await asyncio.sleep(0.02)


async def says(backend, text):
    async with asyncio.timeout(PATIENCE):
        while text not in backend.health().detail:
            await asyncio.sleep(0.02)


async def deliver(open_sink, *events):
    """Send until everything is done, as the core does; return the errors met on the way."""
    waiting, errors = list(events), []
    async with asyncio.timeout(PATIENCE):
        while waiting:
            outcomes = await open_sink.send(waiting)
            pairs = list(zip(waiting, outcomes, strict=True))
            errors += [outcome.error for _, outcome in pairs if outcome != Done()]
            waiting = [each for each, outcome in pairs if outcome != Done()]
            if waiting:
                await asyncio.sleep(0.1)
    return errors


@asynccontextmanager
async def channel(dsn):
    """A backend's channel: the client alone, without anything of ours."""
    connection = await aiormq.connect(dsn)
    try:
        yield await connection.channel()
    finally:
        await connection.close()


async def declared_by_a_backend(of, name=NAME, **arguments):
    """Declare as the contract has it: with no arguments, which fails on anything else."""
    await of.exchange_declare(name, exchange_type="direct", durable=True)
    declared = await of.queue_declare(name, durable=True, arguments=named(arguments))
    await of.queue_bind(name, name, name)
    return declared.message_count


def named(arguments):
    return {name.replace("_", "-"): value for name, value in arguments.items()} or None


async def messages(dsn, name=NAME):
    """Take everything out of a queue."""
    found = []
    async with channel(dsn) as of:
        while isinstance((message := await of.basic_get(name, no_ack=True)).delivery, Basic.GetOk):
            found.append(message)
    return found


async def ids(dsn, name=NAME):
    return [each.header.properties.message_id for each in await messages(dsn, name)]
