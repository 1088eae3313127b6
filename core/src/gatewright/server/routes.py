"""The gateway's own HTTP routes, and which bind serves which route."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

__all__ = ["core_routes", "http_app", "split_routes"]

INTERNAL_PREFIXES = ("/internal", "/metrics")

Readiness = Callable[[], tuple[bool, Mapping[str, Any]]]


def core_routes(readiness: Readiness, registry: CollectorRegistry) -> list[BaseRoute]:
    """Return ``/health``, ``/ready`` and ``/metrics``."""

    async def health(_request: Request) -> Response:
        return _json(200, {"ok": True})

    async def ready(_request: Request) -> Response:
        is_ready, detail = readiness()
        return _json(200 if is_ready else 503, detail)

    async def metrics(_request: Request) -> Response:
        readiness()  # sets the gauges of how every part is
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/health", health),
        Route("/ready", ready),
        Route("/metrics", metrics),
    ]


def split_routes(
    routes: Sequence[BaseRoute], *, separate_internal: bool
) -> tuple[list[BaseRoute], list[BaseRoute]]:
    """Return the routes of the public and of the internal bind.

    With a bind of its own, ``/internal`` and ``/metrics`` are there alone; ``/health`` and
    ``/ready`` are on both.
    """
    if not separate_internal:
        return list(routes), []
    public = [route for route in routes if not _is_internal(route)]
    both = {"/health", "/ready"}
    internal = [
        route for route in routes if _is_internal(route) or getattr(route, "path", "") in both
    ]
    return public, internal


def http_app(routes: Sequence[BaseRoute]) -> Starlette:
    """Make the Starlette application of one bind; no redirects, whose host a client could name."""
    app = Starlette(routes=list(routes))
    app.router.redirect_slashes = False
    return app


def _is_internal(route: BaseRoute) -> bool:
    path = getattr(route, "path", "")
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in INTERNAL_PREFIXES)


def _json(status: int, content: object) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
