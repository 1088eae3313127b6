"""The ``http`` transport: its routes, its life, and what it counts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gatewright import PluginContext, Publish, Reach
from gatewright_transport_http.commanding import CommandEndpoint
from gatewright_transport_http.intake import Intake
from gatewright_transport_http.keys import ApiKeys
from gatewright_transport_http.presence import PresenceEndpoint
from gatewright_transport_http.publishing import PublishEndpoint
from gatewright_transport_http.reception import Reception
from gatewright_transport_http.settings import HttpSettings

__all__ = ["HttpTransport", "open_transport"]

Endpoint = Callable[[Request], Awaitable[Response]]


class HttpTransport:
    """Publications, commands and presence over HTTP; one node gets each request."""

    reach: Final[Reach] = "node"

    def __init__(
        self,
        *,
        intake: Intake,
        publishing: PublishEndpoint,
        commanding: CommandEndpoint,
        presence: PresenceEndpoint,
        requests: Counter,
    ) -> None:
        self._intake = intake
        self._publishing = publishing
        self._commanding = commanding
        self._presence = presence
        self._requests = requests

    async def run(self, publish: Publish) -> None:
        """Take requests until cancelled; then answer 503, and finish those under way."""
        await self._intake.run(publish)

    def routes(self) -> Sequence[BaseRoute]:
        """Return the routes below ``/internal``."""
        publish = self._counted("publish", self._publishing.post)
        subjects = self._counted("subjects", self._commanding.subjects)
        disconnect = self._counted("disconnect", self._commanding.disconnect)
        everyone = self._counted("connections", self._presence.all)
        of_user = self._counted("user_connections", self._presence.of_user)
        return (
            Route("/internal/publish", publish, methods=["POST"]),
            Route("/internal/subjects", subjects, methods=["POST"]),
            Route("/internal/disconnect", disconnect, methods=["POST"]),
            Route("/internal/connections", everyone, methods=["GET"]),
            Route("/internal/users/{user_id:path}/connections", of_user, methods=["GET"]),
        )

    def _counted(self, route: str, endpoint: Endpoint) -> Endpoint:
        async def counted(request: Request) -> Response:
            response = await endpoint(request)
            self._requests.labels(route, response.status_code).inc()
            return response

        return counted


@asynccontextmanager
async def open_transport(
    settings: HttpSettings, context: PluginContext
) -> AsyncIterator[HttpTransport]:
    """Put the transport together. No I/O; nothing here can fail for want of a remote."""
    keys = ApiKeys(key.get_secret_value() for key in settings.api_keys)
    if not keys:
        context.log.warning(
            "anybody who reaches /internal may publish and disconnect",
            hint="list api_keys and drop insecure: true",
        )
    intake = Intake(context.command)
    reception = Reception(keys, context.limits.max_bytes)
    publishing = PublishEndpoint(
        reception=reception,
        intake=intake,
        source=context.name,
        limits=context.limits,
        count=settings.count == "cluster",
    )
    commanding = CommandEndpoint(reception=reception, intake=intake, limits=context.limits)
    presence = PresenceEndpoint(
        presence=context.presence,
        keys=keys,
        requires_key=_presence_requires_key(settings, context),
        log=context.log,
    )
    requests = Counter(
        f"gatewright_{re.sub(r'[^A-Za-z0-9]', '_', context.name)}_requests",
        "Requests to the HTTP API by route and status.",
        ["route", "status"],
        registry=context.metrics,
    )
    try:
        yield HttpTransport(
            intake=intake,
            publishing=publishing,
            commanding=commanding,
            presence=presence,
            requests=requests,
        )
    finally:
        context.metrics.unregister(requests)


def _presence_requires_key(settings: HttpSettings, context: PluginContext) -> bool:
    if not settings.api_keys:
        return False
    if settings.presence_requires_key is not None:
        return settings.presence_requires_key
    return not context.server.separate_internal
