"""The transports of the configuration, opened for their dead letters and never run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, NoReturn

from gatewright.cli.errors import NotPossible, WrongUse
from gatewright.config.result import Config, Selected
from gatewright.plugin.host import Hosts
from gatewright.plugin.protocols import DeadLetterStore, HasDeadLetters, Resends
from gatewright.plugin.suggest import did_you_mean, listed, shown

__all__ = ["KeepsNoLetters", "NoSuchTransport", "Transports", "store_of"]

SECTION: Final = "transports"


class NoSuchTransport(WrongUse):
    """``--from`` names what is no transport in use."""

    def __init__(self, name: str, known: Collection[str]) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(name, self.known)

    def __str__(self) -> str:
        hint = did_you_mean(self.name, self.known)
        if not hint and self.known:
            hint = f"; in use: {listed(self.known)}"
        name = shown(self.name)
        return f"gatewright dlq: no transport named {name!r} is in use{hint}"


class KeepsNoLetters(NotPossible):
    """``--from`` names a transport without dead letters of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)

    def __str__(self) -> str:
        return f"gatewright dlq: {SECTION}.{self.name} keeps no dead letters of its own"


class NotServing(RuntimeError):
    """A transport asks for what only a gateway that serves has."""

    def __str__(self) -> str:
        return "dead letters are looked at; nothing is served"


class _Refusal:
    """Stands for what a plugin gets when it opens; using it is an error, holding it is not."""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotServing

    def __call__(self, *_: object, **__: object) -> NoReturn:
        raise NotServing


_LENT: Final[Mapping[str, Any]] = dict.fromkeys(
    ("publish", "command", "presence", "membership", "dead_letters"), _Refusal()
)


class Transports:
    """Opens transports when they are asked for, each once; what they offer without ``run``.

    Args:
        config: Names them.
        hosts: Opens them.
    """

    def __init__(self, config: Config, hosts: Hosts) -> None:
        self._selected = {one.name: one for one in config.plugins.get("transport", ())}
        self._hosts = hosts
        self._opened: dict[str, object] = {}

    async def named(self, given: str) -> tuple[str, object]:
        """Open the transport that ``given`` names, ``redis_stream`` or ``transports.redis_stream``.

        Raises:
            NoSuchTransport: There is none.
            StartError: It does not open.
        """
        name = given.removeprefix(f"{SECTION}.")
        if name not in self._selected:
            raise NoSuchTransport(name, self._selected)
        return name, await self._open(self._selected[name])

    async def resender(self, name: str) -> Resends | None:
        """Return what puts publications back to where ``name`` got them, if that is possible.

        Raises:
            StartError: The transport does not open.
        """
        if name not in self._selected:
            return None
        backend = await self._open(self._selected[name])
        return backend if isinstance(backend, Resends) else None

    async def _open(self, selected: Selected) -> object:
        if selected.name not in self._opened:
            host = await self._hosts.open(selected, provided=_LENT)
            self._opened[selected.name] = host.backend
        return self._opened[selected.name]


def store_of(name: str, transport: object) -> DeadLetterStore:
    """Return the dead letters that a transport's broker keeps.

    Raises:
        KeepsNoLetters: It keeps none.
    """
    store = transport.dead_letters() if isinstance(transport, HasDeadLetters) else None
    if store is None:
        raise KeepsNoLetters(name)
    return store
