"""The options of ``transports.redis_stream``."""

from __future__ import annotations

from typing import Annotated, Final, LiteralString, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from gatewright import TransportSettings
from gatewright_redis_kit import RedisDsn

__all__ = ["RedisStreamSettings"]

_SAME: Final = "same_stream"
_MUST_DIFFER: Final[LiteralString] = (
    "stream and dead_letter_stream must differ; else what cannot be read is read again"
)


class RedisStreamSettings(TransportSettings):
    """``transports.redis_stream``: where backends publish, and where broken entries go."""

    dsn: Annotated[
        RedisDsn,
        Field(
            description="The Redis: redis://, rediss://, unix://, redis+sentinel:// or "
            "redis+cluster://."
        ),
    ] = SecretStr("redis://redis:6379")
    stream: Annotated[
        str, Field(description="The stream that backends add publications to.", min_length=1)
    ] = "ws.outbox"
    dead_letter_stream: Annotated[
        str,
        Field(description="The stream that gets entries which cannot be read.", min_length=1),
    ] = "ws.dlq"
    batch: Annotated[
        int, Field(description="The most entries one read brings.", ge=1, le=10_000)
    ] = 1000
    trim_seconds: Annotated[
        int | None,
        Field(
            description="Remove entries older than this; absent: publishers or operators trim.",
            ge=60,
        ),
    ] = None

    @model_validator(mode="after")
    def _streams_differ(self) -> Self:
        if self.stream == self.dead_letter_stream:
            raise PydanticCustomError(_SAME, _MUST_DIFFER)
        return self
