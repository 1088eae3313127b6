"""A rate limit per connection: a bucket of tokens, one for each message."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Final

from pydantic import Field, ValidationInfo, field_validator

from gatewright import ConnectionInfo, Factory, PluginContext, Settings, hookimpl

__all__ = ["GATEWRIGHT_API", "TokenBucketSettings", "TokenBuckets", "gatewright_rate_limit"]

GATEWRIGHT_API: Final = (1, 0)


class _BurstTooSmall(ValueError):
    def __str__(self) -> str:
        return "must be at least 1 while per_second is more than 0"


class TokenBucketSettings(Settings):
    """``rate_limit.token_bucket``: how many messages a connection may send."""

    per_second: Annotated[
        float, Field(description="Messages a second in the long run; 0 or less: no limit.")
    ] = 10.0
    burst: Annotated[
        float, Field(description="Messages at once after a silence; each bucket starts full.")
    ] = 20.0

    @field_validator("burst")
    @classmethod
    def _holds_a_message(cls, burst: float, info: ValidationInfo) -> float:
        if burst < 1 and info.data.get("per_second", 0.0) > 0:
            raise _BurstTooSmall
        return burst


class TokenBuckets:
    """Hands every connection a bucket of its own.

    Attributes:
        per_second: Tokens that flow into a bucket each second; 0 or less: there is no limit.
        burst: Tokens that a bucket holds, and starts with.
        now: The clock, in monotonic seconds.
    """

    __slots__ = ("burst", "now", "per_second")

    def __init__(self, per_second: float, burst: float, now: Callable[[], float]) -> None:
        self.per_second = per_second
        self.burst = burst
        self.now = now

    def admission(self, connection: ConnectionInfo) -> Bucket | None:
        """Return a full bucket, or ``None`` where there is no limit."""
        del connection
        return Bucket(self) if self.per_second > 0 else None


class Bucket:
    """One connection's tokens."""

    __slots__ = ("_at", "_limit", "_tokens")

    def __init__(self, limit: TokenBuckets) -> None:
        self._limit = limit
        self._tokens = limit.burst
        self._at = limit.now()

    def admit(self) -> bool:
        """Take a token, if there is a whole one."""
        limit = self._limit
        now = limit.now()
        tokens = min(limit.burst, self._tokens + (now - self._at) * limit.per_second)
        self._at = now
        if tokens < 1.0:
            self._tokens = tokens
            return False
        self._tokens = tokens - 1.0
        return True


@asynccontextmanager
async def _open(
    settings: TokenBucketSettings, context: PluginContext
) -> AsyncIterator[TokenBuckets]:
    yield TokenBuckets(settings.per_second, settings.burst, context.clock.monotonic)


@hookimpl
def gatewright_rate_limit() -> Factory[TokenBucketSettings, TokenBuckets]:
    """Declare the token bucket."""
    return Factory(
        settings=TokenBucketSettings,
        open=_open,
        summary="Limits the messages of each connection by a token bucket.",
    )
