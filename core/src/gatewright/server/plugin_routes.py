"""The routes of plugins: collected once, and each path with one owner."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import BaseRoute, Match, Mount

from gatewright.errors import OperatorError, StartError
from gatewright.plugin.describe import describe, escaped
from gatewright.plugin.protocols import HasRoutes

if TYPE_CHECKING:
    from gatewright.plugin.host import Host

__all__ = ["RouteTaken", "RoutesUnusable", "plugin_routes"]

_PARAMETER: Final = re.compile(r"\{\w+(?::(\w+))?\}")
_SAMPLES: Final = {
    "int": "1",
    "float": "1.5",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


class RoutesUnusable(StartError):
    """A plugin's ``routes()`` gave no routes."""

    def __init__(self, owner: str, problem: str) -> None:
        self.owner, self.problem = owner, problem
        super().__init__(owner, problem)

    def __str__(self) -> str:
        return f"{self.owner}: routes() {self.problem}"


class RouteTaken(StartError):
    """A plugin offers a route that another one, or gatewright itself, answers."""

    def __init__(self, owner: str, path: str, taken_by: str) -> None:
        self.owner, self.path, self.taken_by = owner, path, taken_by
        super().__init__(owner, path, taken_by)

    def __str__(self) -> str:
        return f"{self.owner} offers the route {escaped(self.path)}, which {self.taken_by} answers"


@dataclass(frozen=True, slots=True)
class _Owned:
    """A route with who brought it, as a noun for texts."""

    route: BaseRoute
    owner: str


def plugin_routes(
    hosts: Iterable[Host[Any]], *, core: Sequence[BaseRoute], websocket: str
) -> list[BaseRoute]:
    """Return the routes of the plugins that offer any, in their order.

    Args:
        hosts: The open plugins.
        core: The gateway's own routes, which stand before these.
        websocket: The path of the WebSocket, where plain HTTP is answered too.

    Raises:
        RoutesUnusable: ``routes()`` raised, or returned something else.
        RouteTaken: A route of one plugin would never be asked, as an earlier one takes its path.
    """
    owned = [_Owned(route, "gatewright itself") for route in core]
    for host in hosts:
        if not isinstance(host.backend, HasRoutes):
            continue
        owner = f"plugin {host.name!r} ({host.distribution})"
        routes = _asked(host.backend, owner)
        for route in routes:
            _check_free(route, owner, owned, websocket)
        owned += [_Owned(route, owner) for route in routes]
    return [each.route for each in owned[len(core) :]]


def _asked(backend: HasRoutes, owner: str) -> list[BaseRoute]:
    try:
        routes = list(backend.routes())
    except OperatorError as error:  # its text is meant for the operator as it is
        raise RoutesUnusable(owner, f"raised {escaped(str(error))}") from error
    except Exception as error:
        raise RoutesUnusable(owner, f"raised {describe(error)}") from error
    for route in routes:
        if not isinstance(route, BaseRoute):
            raise RoutesUnusable(
                owner, f"must return Starlette routes, found {type(route).__name__}"
            )
    return routes


def _check_free(route: BaseRoute, owner: str, taken: Sequence[_Owned], websocket: str) -> None:
    path = getattr(route, "path", None)
    if not isinstance(path, str):  # routes by host name, and whatever else has no path
        return
    scope = {"type": "http", "method": "GET", "path": _sample(route, path), "headers": []}
    if scope["path"] == websocket:
        raise RouteTaken(owner, path, "the WebSocket (server.path)")
    for earlier in taken:
        if earlier.route.matches(scope)[0] is not Match.NONE:
            raise RouteTaken(owner, path, earlier.owner)


def _sample(route: BaseRoute, path: str) -> str:
    """Return a path that the route answers, and as few others as possible."""
    sample = _PARAMETER.sub(lambda found: _SAMPLES.get(found[1], "-"), path)
    return f"{sample}/-" if isinstance(route, Mount) else sample
