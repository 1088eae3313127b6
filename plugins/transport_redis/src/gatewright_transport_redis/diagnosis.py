"""What ``gatewright doctor`` looks at for this transport."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from gatewright import DiagnosisContext, Finding
from gatewright_redis_kit import RedisNeeds, diagnose_redis
from gatewright_transport_redis.settings import RedisStreamSettings

__all__ = ["diagnose"]

GAPS: Final = "entries that are trimmed before they are read are not noticed"


def diagnose(settings: RedisStreamSettings, context: DiagnosisContext) -> AsyncIterator[Finding]:
    """Look at the Redis, the stream and the right to read it."""
    stream, letters = settings.stream, settings.dead_letter_stream
    commands = [
        ("XREAD", "COUNT", "1", "STREAMS", stream, "$"),
        ("XINFO", "STREAM", stream),
        ("XADD", letters, "*", "reason", "x"),
    ]
    if settings.trim_seconds is not None:
        commands.append(("XTRIM", stream, "MINID", "~", "0"))
    needs = RedisNeeds(
        commands=commands,
        types={stream: "stream", letters: "stream"},
        lasting="publications that are not read yet",
        better=((7, 0), GAPS),
    )
    return diagnose_redis(settings.dsn, needs, context)
