"""Tells backends through Redis streams what gatewright's clients do, and keeps dead letters there.

The gateway's core owns order, retries, the breaker and what becomes a dead letter; this plugin
writes entries and says of each what became of it.
"""

from __future__ import annotations

from gatewright import Factory, hookimpl
from gatewright_events_redis.diagnosis import diagnose_sink, diagnose_store
from gatewright_events_redis.opening import open_sink, open_store
from gatewright_events_redis.settings import StreamLetterSettings, StreamSinkSettings
from gatewright_events_redis.sink import StreamSink
from gatewright_events_redis.store import StreamStore

__all__ = [
    "GATEWRIGHT_API",
    "StreamLetterSettings",
    "StreamSink",
    "StreamSinkSettings",
    "StreamStore",
    "gatewright_dead_letters",
    "gatewright_events",
]

GATEWRIGHT_API = (1, 0)


@hookimpl
def gatewright_events() -> Factory[StreamSinkSettings, StreamSink]:
    """Declare the ``redis_stream`` event sink."""
    return Factory(
        settings=StreamSinkSettings,
        open=open_sink,
        diagnose=diagnose_sink,
        summary="events as entries of a Redis stream",
    )


@hookimpl
def gatewright_dead_letters() -> Factory[StreamLetterSettings, StreamStore]:
    """Declare the ``redis_stream`` store of dead letters."""
    return Factory(
        settings=StreamLetterSettings,
        open=open_store,
        diagnose=diagnose_store,
        summary="dead letters in a Redis stream",
    )
