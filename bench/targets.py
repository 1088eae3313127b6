"""The servers that are measured, by the names they have in the tables."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from bench.cases import RUNS, Run
from bench.recipe import Recipe
from bench.servers import c_send, engine_io, gateway, nchan
from gatewright.testing.ports import free_port, free_ports

__all__ = ["GATEWAYS", "PEERS", "TARGETS", "TOKENS", "USERS", "Target"]


@dataclass(frozen=True)
class Target:
    """One server that can be measured.

    Attributes:
        recipe: Writes what the server needs into a folder, and returns how it is started.
        missing: Returns why it cannot be started here; None where it can.
        runs: What it can be loaded with.
        addresses: Whether publications name the users that they are for.
        ours: Whether it is the gateway, whose failures end a run; a peer is left out instead.
    """

    recipe: Callable[[Path], Recipe]
    missing: Callable[[], str | None] = lambda: None
    runs: Sequence[Run] = RUNS
    addresses: bool = False
    ours: bool = False


def _gateway(driver: str) -> Target:
    return Target(
        partial(gateway.anonymous, driver=driver),
        partial(gateway.missing_driver, driver),
        addresses=True,
        ours=True,
    )


def _needs(module: str, package: str) -> Callable[[], str | None]:
    return lambda: None if find_spec(module) else f"needs {package}: pip install {package}"


def _one_port(module: str) -> Callable[[Path], Recipe]:
    def recipe(_folder: Path) -> Recipe:
        port = free_port()
        command = [sys.executable, "-m", f"bench.servers.{module}", str(port)]
        return Recipe(command, port, port)

    return recipe


def _two_ports(module: str) -> Callable[[Path], Recipe]:
    def recipe(_folder: Path) -> Recipe:
        port, publish_port = free_ports(2)
        command = [sys.executable, "-m", f"bench.servers.{module}", str(port), str(publish_port)]
        return Recipe(command, port, publish_port)

    return recipe


def _socketio(folder: Path) -> Recipe:
    recipe = _one_port("socketio_broadcast")(folder)
    return replace(recipe, websockets=[engine_io.PATH], dialect=engine_io.DIALECT)


TARGETS: Final[dict[str, Target]] = {
    "gateway": _gateway("auto"),
    "gateway-direct": _gateway("direct"),
    "gateway-asgi": _gateway("asgi"),
    "gateway-jwt": Target(partial(gateway.with_tokens, driver="auto"), ours=True),
    "gateway-jwt-cold": Target(
        partial(gateway.with_tokens, driver="auto", cached=False), ours=True
    ),
    "gateway-users": Target(partial(gateway.user_each, driver="auto"), runs=["idle"], ours=True),
    "c-send": Target(c_send.recipe, c_send.missing),
    "nchan": Target(nchan.recipe, nchan.missing, runs=["fanout", "handshake", "idle"]),
    "websockets": Target(_two_ports("websockets_broadcast"), _needs("websockets", "websockets")),
    "picows": Target(_two_ports("picows_broadcast"), _needs("picows", "picows")),
    "uvicorn": Target(_one_port("uvicorn_broadcast"), _needs("uvicorn", "uvicorn")),
    "hypercorn": Target(_one_port("hypercorn_broadcast")),
    "socketio": Target(_socketio, _needs("socketio", "python-socketio")),
}
"""Every server by its name in the tables."""

PEERS: Final = tuple(name for name, target in TARGETS.items() if not target.ours)
GATEWAYS: Final = ("gateway-direct", "gateway-asgi")
"""The gateway with each of its socket drivers."""

TOKENS: Final = ("gateway-jwt", "gateway-jwt-cold")
"""The gateway that checks tokens, once and for all or every time."""

USERS: Final = ("gateway-users",)
"""The gateway whose clients are each another user, with a token and a rate limit of its own."""
