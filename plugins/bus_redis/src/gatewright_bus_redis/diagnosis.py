"""What ``gatewright doctor`` looks at for this bus."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from gatewright import DiagnosisContext, Finding
from gatewright_bus_redis.settings import RedisBusSettings
from gatewright_redis_kit import RedisNeeds, diagnose_redis

__all__ = ["diagnose"]

GAPS: Final = "messages that are trimmed before they are read are not noticed"


def diagnose(settings: RedisBusSettings, context: DiagnosisContext) -> AsyncIterator[Finding]:
    """Look at the Redis, the stream and the right to write and read it."""
    stream = settings.stream
    needs = RedisNeeds(
        commands=[
            ("XADD", stream, "MAXLEN", "~", str(settings.max_length), "*", "m", "x"),
            ("XREAD", "COUNT", "1", "STREAMS", stream, "$"),
            ("XINFO", "STREAM", stream),
        ],
        types={stream: "stream"},
        better=((7, 0), GAPS),
    )
    return diagnose_redis(settings.dsn, needs, context)
