"""How the transport is put together from its settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from gatewright import PluginContext
from gatewright_redis_kit import Connection, Pauses, StreamReader
from gatewright_transport_redis.counters import Counters
from gatewright_transport_redis.dead_letters import StreamDeadLetters
from gatewright_transport_redis.rejected import RejectedEntries
from gatewright_transport_redis.settings import RedisStreamSettings
from gatewright_transport_redis.transport import RedisStreamTransport
from gatewright_transport_redis.trimming import Trimming
from gatewright_transport_redis.watch import Watch

__all__ = ["open_transport"]


@asynccontextmanager
async def open_transport(
    settings: RedisStreamSettings, context: PluginContext
) -> AsyncIterator[RedisStreamTransport]:
    """Yield the transport and close its clients afterwards. Connects to nothing yet.

    Raises:
        UnusableCertificates: A file that the DSN names cannot be used.
    """
    connection = Connection.parse(settings.dsn)
    context.step("reading certificates")
    connection.check()
    async with AsyncExitStack() as stack:
        reader = StreamReader(
            connection, settings.stream, count=settings.batch, clock=context.clock
        )
        stack.push_async_callback(reader.close)
        commands = connection.commands()
        stack.push_async_callback(commands.aclose)
        counters = Counters(context.name, context.metrics)
        stack.callback(counters.unregister)
        transport = RedisStreamTransport(
            reader=reader,
            rejected=RejectedEntries(
                commands,
                stream=settings.stream,
                dead_letter_stream=settings.dead_letter_stream,
                target=context.name,
                fallback=context.dead_letters,
                log=context.log,
            ),
            trimming=Trimming(
                commands,
                stream=settings.stream,
                seconds=settings.trim_seconds,
                clock=context.clock,
                log=context.log,
            ),
            letters=StreamDeadLetters(
                commands, stream=settings.dead_letter_stream, target=context.name
            ),
            commands=commands,
            stream=settings.stream,
            watch=Watch(
                reader,
                shown=connection.shown,
                counters=counters,
                clock=context.clock,
                log=context.log,
            ),
            counters=counters,
            pauses=Pauses(context.clock),
            source=context.name,
            limits=context.limits,
        )
        stack.push_async_callback(transport.finish)
        yield transport
