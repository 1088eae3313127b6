"""What ``gatewright doctor`` looks at for this sink and this store."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gatewright import DiagnosisContext, Finding
from gatewright_events_redis.settings import StreamLetterSettings, StreamSinkSettings
from gatewright_redis_kit import RedisNeeds, diagnose_redis, key_beside

__all__ = ["diagnose_sink", "diagnose_store"]


def diagnose_sink(
    settings: StreamSinkSettings, context: DiagnosisContext
) -> AsyncIterator[Finding]:
    """Look at the Redis, the streams and the right to write them."""
    streams = dict.fromkeys(settings.streams.get(kind, settings.stream) for kind in settings.types)
    needs = RedisNeeds(
        commands=[("XADD", stream, "*", "data", "x") for stream in streams],
        types=dict.fromkeys(streams, "stream"),
        lasting="events that no backend has read yet",
    )
    return diagnose_redis(settings.dsn, needs, context)


def diagnose_store(
    settings: StreamLetterSettings, context: DiagnosisContext
) -> AsyncIterator[Finding]:
    """Look at the Redis, the stream and the right to write, read and mark dead letters."""
    stream = settings.stream
    marks = key_beside(stream, "marks")
    needs = RedisNeeds(
        commands=[
            ("XADD", stream, "*", "reason", "x"),
            ("XRANGE", stream, "-", "+", "COUNT", "1"),
            ("XDEL", stream, "0-1"),
            ("HSET", marks, "x", "x"),
            ("HMGET", marks, "x"),
            ("HDEL", marks, "x"),
        ],
        types={stream: "stream", marks: "hash"},
        lasting="dead letters",
    )
    return diagnose_redis(settings.dsn, needs, context)
