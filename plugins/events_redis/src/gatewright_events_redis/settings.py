"""The options of ``events.redis_stream`` and ``dead_letters.redis_stream``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, PositiveInt, SecretStr, field_validator

from gatewright import EventType, Settings, SinkSettings
from gatewright_redis_kit import RedisDsn

__all__ = ["StreamLetterSettings", "StreamSinkSettings"]

Dsn = Annotated[
    RedisDsn,
    Field(
        description="The Redis: redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://."
    ),
]
MaxLength = Annotated[
    PositiveInt | None,
    Field(description="Keep about so many entries; absent: all, until somebody trims."),
]


class StreamSinkSettings(SinkSettings):
    """``events.redis_stream``: where events go."""

    dsn: Dsn = SecretStr("redis://redis:6379")
    stream: Annotated[str, Field(description="The stream that gets events.", min_length=1)] = (
        "ws.events"
    )
    streams: Annotated[
        Mapping[EventType, str],
        Field(description="Event type to another stream; empty names are dropped."),
    ] = {}
    max_length: MaxLength = None
    concurrency: Annotated[PositiveInt, Field(description="Attempts under way at once.")] = 2
    batch: Annotated[
        PositiveInt,
        Field(description="Events handed over in one attempt, each of another connection."),
    ] = 256

    @field_validator("streams", mode="before")
    @classmethod
    def _without_empty_names(cls, value: object) -> object:
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return {name: stream for name, stream in value.items() if stream not in {None, ""}}
        return value


class StreamLetterSettings(Settings):
    """``dead_letters.redis_stream``: where dead letters are kept."""

    dsn: Dsn = SecretStr("redis://redis:6379")
    stream: Annotated[
        str,
        Field(
            description="The stream; not the transports' ws.dlq, whose fields are others.",
            min_length=1,
        ),
    ] = "ws.events.dlq"
    max_length: MaxLength = None
