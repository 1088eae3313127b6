"""Publications from NATS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from acme_nats.settings import NatsSettings
from acme_nats.transport import NatsTransport
from gatewright import Factory, PluginContext, hookimpl

__all__ = ["GATEWRIGHT_API", "gatewright_transport"]

GATEWRIGHT_API: Final = (1, 0)


@asynccontextmanager
async def _open(settings: NatsSettings, context: PluginContext) -> AsyncIterator[NatsTransport]:
    yield NatsTransport(settings, context)


@hookimpl
def gatewright_transport() -> Factory[NatsSettings, NatsTransport]:
    """Declare the transport."""
    return Factory(
        settings=NatsSettings,
        open=_open,
        summary="Publications from a NATS subject.",
        needs=frozenset({"dead_letters"}),
    )
