"""Keeps who is connected to any of gatewright's nodes in Redis.

Backends read the keys below the prefix directly. Beside them, outside the prefix, every node keeps
a lease and a record of its connections, so that others clean up after one that crashed.
"""

from __future__ import annotations

from gatewright import Factory, hookimpl
from gatewright_presence_redis.diagnosis import diagnose
from gatewright_presence_redis.presence import RedisPresence, open_presence
from gatewright_presence_redis.settings import RedisPresenceSettings

__all__ = ["GATEWRIGHT_API", "RedisPresence", "RedisPresenceSettings", "gatewright_presence"]

GATEWRIGHT_API = (1, 0)


@hookimpl
def gatewright_presence() -> Factory[RedisPresenceSettings, RedisPresence]:
    """Declare the ``redis`` presence store."""
    return Factory(
        settings=RedisPresenceSettings,
        open=open_presence,
        diagnose=diagnose,
        summary="who is connected to any node, in Redis",
        needs=frozenset({"membership"}),
    )
