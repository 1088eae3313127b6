"""Lets backends publish to gatewright's clients through a Redis stream."""

from __future__ import annotations

from gatewright import Factory, hookimpl
from gatewright_transport_redis.diagnosis import diagnose
from gatewright_transport_redis.opening import open_transport
from gatewright_transport_redis.settings import RedisStreamSettings
from gatewright_transport_redis.transport import RedisStreamTransport

__all__ = ["GATEWRIGHT_API", "RedisStreamSettings", "RedisStreamTransport", "gatewright_transport"]

GATEWRIGHT_API = (1, 0)


@hookimpl
def gatewright_transport() -> Factory[RedisStreamSettings, RedisStreamTransport]:
    """Declare the ``redis_stream`` transport."""
    return Factory(
        settings=RedisStreamSettings,
        open=open_transport,
        diagnose=diagnose,
        summary="Backends publish by XADD to a Redis stream that every node reads.",
        needs=frozenset({"dead_letters"}),
    )
