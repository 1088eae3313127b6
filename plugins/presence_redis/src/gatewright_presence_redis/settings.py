"""The options of ``presence.redis``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from gatewright import Settings
from gatewright_redis_kit import RedisDsn

__all__ = ["RedisPresenceSettings"]


class RedisPresenceSettings(Settings):
    """``presence.redis``: where presence is kept, and how long it outlives its node."""

    dsn: Annotated[
        RedisDsn,
        Field(
            description="The Redis: redis://, rediss://, unix://, redis+sentinel:// or "
            "redis+cluster://."
        ),
    ] = SecretStr("redis://redis:6379")
    prefix: Annotated[str, Field(description="What the keys that backends read begin with.")] = (
        "presence:"
    )
    ttl_seconds: Annotated[
        int,
        Field(description="How long a key stays that nobody refreshes any more.", ge=3),
    ] = 120
    lease_seconds: Annotated[
        float,
        Field(description="How long a node may be silent before others take it for dead.", ge=1),
    ] = 15.0
