"""Which plugin is meant: ``transport:redis_stream``, or its name where only one has it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from gatewright.cli.errors import WrongUse
from gatewright.plugin.catalogue import PUBLISHED, Catalogue
from gatewright.plugin.spec import KINDS, Kind, section_of
from gatewright.plugin.suggest import did_you_mean, listed

__all__ = ["PLUGINS", "Named", "UnknownKind", "named"]

PLUGINS: Final = "gatewright plugins"

Named = tuple[Kind, str]

_KINDS: Final[dict[str, Kind]] = {
    **{section_of(kind): kind for kind in KINDS},
    **{kind: kind for kind in KINDS},
}


class UnknownKind(WrongUse):
    """There is no such kind of plugin."""

    def __init__(self, command: str, kind: str, known: Sequence[str]) -> None:
        self.command, self.kind, self.known = command, kind, tuple(known)
        super().__init__(command, kind, self.known)

    def __str__(self) -> str:
        hint = did_you_mean(self.kind, self.known) or f"; kinds: {', '.join(self.known)}"
        return f"{self.command}: no kind {self.kind!r}{hint}"


class _UnknownName(WrongUse):
    def __init__(self, command: str, name: str, known: Collection[str]) -> None:
        self.command, self.name, self.known = command, name, tuple(sorted(known))
        super().__init__(command, name, self.known)

    def __str__(self) -> str:
        hint = did_you_mean(self.name, self.known) or "; see gatewright plugins list"
        return f"{self.command}: no plugin named {self.name!r}{hint}"


class _NotInstalled(WrongUse):
    def __init__(self, command: str, name: str, distribution: str) -> None:
        self.command, self.name, self.distribution = command, name, distribution
        super().__init__(command, name, distribution)

    def __str__(self) -> str:
        return (
            f"{self.command}: {self.name}: published as {self.distribution} but not installed "
            f"here; run: pip install {self.distribution}"
        )


class _Ambiguous(WrongUse):
    def __init__(self, command: str, name: str, kinds: Sequence[Kind]) -> None:
        self.command, self.name, self.kinds = command, name, tuple(kinds)
        super().__init__(command, name, self.kinds)

    def __str__(self) -> str:
        ways = [f"{kind}:{self.name}" for kind in self.kinds]
        return f"{self.command}: {self.name!r} is {listed(ways)}; write which"


def named(text: str, catalogue: Catalogue, command: str = PLUGINS) -> Named:
    """Return the installed plugin that was typed after ``command``.

    Raises:
        WrongUse: There is none, or more than one.
    """
    prefix, colon, name = text.partition(":")
    if not colon:
        return _by_name(text, catalogue, command)
    if (kind := _KINDS.get(prefix)) is None:
        raise UnknownKind(command, prefix, KINDS)
    if not catalogue.named(kind, name):
        if (published := PUBLISHED.get((kind, name))) is not None:
            raise _NotInstalled(command, text, published)
        raise _UnknownName(command, text, [f"{prefix}:{other}" for other in catalogue.names(kind)])
    return kind, name


def _by_name(name: str, catalogue: Catalogue, command: str) -> Named:
    kinds = [kind for kind in KINDS if catalogue.named(kind, name)]
    if len(kinds) == 1:
        return kinds[0], name
    if kinds:
        raise _Ambiguous(command, name, kinds)
    for (_, published), distribution in PUBLISHED.items():
        if published == name:
            raise _NotInstalled(command, name, distribution)
    raise _UnknownName(command, name, {entry.name for entry in catalogue.plugins})
