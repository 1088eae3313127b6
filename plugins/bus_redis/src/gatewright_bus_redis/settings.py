"""The options of ``bus.redis``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveFloat, SecretStr

from gatewright import Settings
from gatewright_redis_kit import RedisDsn

__all__ = ["RedisBusSettings"]


class RedisBusSettings(Settings):
    """``bus.redis``: the stream that all nodes share."""

    dsn: Annotated[
        RedisDsn,
        Field(
            description="The Redis: redis://, rediss://, unix://, redis+sentinel:// or "
            "redis+cluster://."
        ),
    ] = SecretStr("redis://redis:6379")
    stream: Annotated[
        str, Field(description="The stream; the same for all nodes of a cluster.", min_length=1)
    ] = "gatewright.bus"
    max_length: Annotated[
        int,
        Field(
            description="About so many messages are kept, for nodes that are away for a moment.",
            ge=1000,
        ),
    ] = 100_000
    publish_seconds: Annotated[
        PositiveFloat,
        Field(description="Time until a message must be accepted; then publishing is refused."),
    ] = 3.0
