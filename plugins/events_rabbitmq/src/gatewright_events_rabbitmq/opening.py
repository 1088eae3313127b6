"""How sink and store are put together from their settings. No I/O but certificate files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from gatewright import PluginContext
from gatewright_events_rabbitmq.letters import EventLetters
from gatewright_events_rabbitmq.routes import Routes
from gatewright_events_rabbitmq.settings import QueueLetterSettings, RabbitmqSinkSettings
from gatewright_events_rabbitmq.sink import RabbitmqSink
from gatewright_events_rabbitmq.store import RabbitmqStore
from gatewright_events_rabbitmq.upkeep import Upkeep
from gatewright_rabbitmq_kit import Broker, Pauses, QueueStore

__all__ = ["open_sink", "open_store"]

_SHARE: Final = 0.9
"""Of an attempt's time: what is left is for telling confirmed events from the others."""

_STORE_SECONDS: Final = 2.0
"""For each call: connecting and writing have to fit into what the core waits for a store."""


@asynccontextmanager
async def open_sink(
    settings: RabbitmqSinkSettings, context: PluginContext
) -> AsyncIterator[RabbitmqSink]:
    """Yield the sink and close its connection afterwards.

    Raises:
        UnusableCertificates: A file that the DSN names cannot be used.
    """
    context.step("reading certificates")
    routes = Routes.of(settings)
    upkeep = Upkeep(
        Broker(settings.dsn, name=_name(context)),
        routes,
        seconds=settings.timeout_seconds * _SHARE,
        pauses=Pauses(context.clock),
        log=context.log,
    )
    try:
        yield RabbitmqSink(upkeep, routes)
    finally:
        await upkeep.publisher.close()


@asynccontextmanager
async def open_store(
    settings: QueueLetterSettings, context: PluginContext
) -> AsyncIterator[RabbitmqStore]:
    """Yield the store and close its connections afterwards.

    Raises:
        UnusableCertificates: A file that the DSN names cannot be used.
    """
    context.step("reading certificates")
    broker = Broker(settings.dsn, name=_name(context), timeout=_STORE_SECONDS)
    letters = QueueStore(broker, queue=settings.queue, codec=EventLetters(), clock=context.clock)
    try:
        yield RabbitmqStore(
            letters, broker=broker, queue=settings.queue, pauses=Pauses(context.clock)
        )
    finally:
        await letters.close()


def _name(context: PluginContext) -> str:
    return f"gatewright {context.node_id} {context.name}"
