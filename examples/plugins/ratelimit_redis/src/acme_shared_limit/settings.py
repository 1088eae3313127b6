"""The options."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveFloat, SecretStr

from gatewright import Settings

__all__ = ["SharedLimitSettings"]


class SharedLimitSettings(Settings):
    """``rate_limit.shared``: how many messages a user may send, over all nodes together."""

    dsn: Annotated[SecretStr, Field(description="The Redis, redis://host:port/db.")]
    per_second: Annotated[
        PositiveFloat, Field(description="Messages a second in the long run.")
    ] = 10.0
    burst: Annotated[float, Field(description="Messages at once after a silence.", ge=1)] = 20.0
    prefix: Annotated[str, Field(description="What the keys in Redis begin with.")] = "gw:limit:"
