"""How sink and store are put together from their settings. No I/O but certificate files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr

from gatewright import PluginContext
from gatewright_events_redis.settings import StreamLetterSettings, StreamSinkSettings
from gatewright_events_redis.sink import StreamSink
from gatewright_events_redis.store import StreamStore
from gatewright_events_redis.writing import writer_for
from gatewright_redis_kit import AnyRedis, Connection

__all__ = ["open_sink", "open_store"]

STORE_SECONDS = 4.0


@asynccontextmanager
async def open_sink(
    settings: StreamSinkSettings, context: PluginContext
) -> AsyncIterator[StreamSink]:
    """Yield the sink and close its client afterwards.

    Raises:
        UnusableCertificates: A file that the DSN names cannot be used.
    """
    async with _client(settings.dsn, settings.timeout_seconds, context) as (client, shown):
        yield StreamSink(
            client,
            writer_for(client, settings.timeout_seconds),
            stream=settings.stream,
            streams=settings.streams,
            max_length=settings.max_length,
            shown=shown,
            clock=context.clock,
        )


@asynccontextmanager
async def open_store(
    settings: StreamLetterSettings, context: PluginContext
) -> AsyncIterator[StreamStore]:
    """Yield the store and close its client afterwards.

    Raises:
        UnusableCertificates: A file that the DSN names cannot be used.
    """
    async with _client(settings.dsn, STORE_SECONDS, context) as (client, shown):
        yield StreamStore(
            client,
            writer_for(client, STORE_SECONDS),
            stream=settings.stream,
            max_length=settings.max_length,
            shown=shown,
        )


@asynccontextmanager
async def _client(
    dsn: SecretStr, timeout: float, context: PluginContext
) -> AsyncIterator[tuple[AnyRedis, str]]:
    connection = Connection.parse(dsn)
    context.step("reading certificates")
    connection.check()
    client = connection.commands(timeout=timeout)
    try:
        yield client, connection.shown
    finally:
        await client.aclose()
