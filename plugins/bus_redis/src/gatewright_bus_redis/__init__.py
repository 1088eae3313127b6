"""Carries publications and commands between gatewright's nodes over a Redis stream."""

from __future__ import annotations

from gatewright import Factory, hookimpl
from gatewright_bus_redis.bus import RedisBus, open_bus
from gatewright_bus_redis.diagnosis import diagnose
from gatewright_bus_redis.settings import RedisBusSettings

__all__ = ["GATEWRIGHT_API", "RedisBus", "RedisBusSettings", "gatewright_bus"]

GATEWRIGHT_API = (1, 0)


@hookimpl
def gatewright_bus() -> Factory[RedisBusSettings, RedisBus]:
    """Declare the ``redis`` bus."""
    return Factory(
        settings=RedisBusSettings,
        open=open_bus,
        diagnose=diagnose,
        summary="Reaches all nodes over a capped Redis stream that each reads by cursor.",
        provides=frozenset({"cluster"}),
    )
