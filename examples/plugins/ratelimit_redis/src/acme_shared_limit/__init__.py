"""One rate limit for each user, whichever node a connection is on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from redis.asyncio import Redis

from acme_shared_limit.limit import SharedLimit
from acme_shared_limit.settings import SharedLimitSettings
from gatewright import Factory, PluginContext, hookimpl

__all__ = ["GATEWRIGHT_API", "gatewright_rate_limit"]

GATEWRIGHT_API: Final = (1, 0)

CALL_SECONDS: Final = 2.0


@asynccontextmanager
async def _open(
    settings: SharedLimitSettings, context: PluginContext
) -> AsyncIterator[SharedLimit]:
    redis = Redis.from_url(
        settings.dsn.get_secret_value(),
        socket_connect_timeout=CALL_SECONDS,
        socket_timeout=CALL_SECONDS,
    )
    async with redis:
        yield SharedLimit(settings, context, redis)


@hookimpl
def gatewright_rate_limit() -> Factory[SharedLimitSettings, SharedLimit]:
    """Declare the rate limit."""
    return Factory(
        settings=SharedLimitSettings,
        open=_open,
        summary="One rate limit for each user on all nodes, kept in Redis.",
    )
