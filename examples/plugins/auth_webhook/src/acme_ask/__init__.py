"""Authentication by a question to the backend."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import httpx

from acme_ask.authenticator import Asking
from acme_ask.settings import AskSettings
from gatewright import Factory, PluginContext, hookimpl

__all__ = ["GATEWRIGHT_API", "gatewright_auth"]

GATEWRIGHT_API: Final = (1, 0)


@asynccontextmanager
async def _open(settings: AskSettings, context: PluginContext) -> AsyncIterator[Asking]:
    limits = httpx.Limits(max_connections=settings.concurrency)
    async with httpx.AsyncClient(
        timeout=settings.timeout_seconds, limits=limits, follow_redirects=False
    ) as client:
        asking = Asking(settings, context, client)
        try:
            yield asking
        finally:
            await asking.stop()


@hookimpl
def gatewright_auth() -> Factory[AskSettings, Asking]:
    """Declare the authentication."""
    return Factory(
        settings=AskSettings,
        open=_open,
        summary="Asks a backend over HTTP who a client is, and remembers for a while.",
    )
