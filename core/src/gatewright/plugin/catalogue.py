"""What is installed, read from the metadata of distributions. Nothing is ever imported here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions
from types import MappingProxyType
from typing import Final

from packaging.utils import canonicalize_name

from gatewright.plugin.errors import (
    NameTaken,
    Origin,
    PluginNotInstalled,
    UnknownPlugin,
    WrongKind,
)
from gatewright.plugin.spec import KINDS, PROJECT, Kind

__all__ = ["PUBLISHED", "PUBLISHED_COMMANDS", "Catalogue", "CommandEntry", "PluginEntry"]

PUBLISHED: Final[Mapping[tuple[Kind, str], str]] = MappingProxyType(
    {
        ("auth", "jwt"): "gatewright-auth-jwt",
        ("transport", "http"): "gatewright-transport-http",
        ("transport", "redis_stream"): "gatewright-transport-redis",
        ("transport", "rabbitmq"): "gatewright-transport-rabbitmq",
        ("presence", "redis"): "gatewright-presence-redis",
        ("events", "webhook"): "gatewright-events-webhook",
        ("events", "redis_stream"): "gatewright-events-redis",
        ("events", "rabbitmq"): "gatewright-events-rabbitmq",
        ("dead_letters", "redis_stream"): "gatewright-events-redis",
        ("dead_letters", "rabbitmq"): "gatewright-events-rabbitmq",
        ("bus", "redis"): "gatewright-bus-redis",
        ("bus", "rabbitmq"): "gatewright-bus-rabbitmq",
    }
)
"""Which distribution of this project brings a plugin, whether it is installed or not."""

PUBLISHED_COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "token": "gatewright-auth-jwt",
        "keys": "gatewright-auth-jwt",
        "publish": "gatewright-transport-http",
        "connections": "gatewright-transport-http",
        "disconnect": "gatewright-transport-http",
        "subjects": "gatewright-transport-http",
    }
)
"""Which distribution of this project brings a command."""

_PREFIX: Final = f"{PROJECT}."
_COMMAND: Final = f"{PROJECT}.command"


@dataclass(frozen=True, slots=True)
class PluginEntry:
    """One plugin as its distribution's metadata declares it.

    Attributes:
        kind: Its kind.
        name: The word in the YAML.
        value: The entry point's value: the module with the hook.
        distribution: Who offers it.
        version: That distribution's version.
        requires: That distribution's own requirements, as written.
    """

    kind: Kind
    name: str
    value: str
    distribution: str
    version: str
    requires: tuple[str, ...] = ()

    @property
    def origin(self) -> Origin:
        """Which plugin this is, for texts."""
        return Origin(self.name, self.distribution, self.version)


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """One command of the command line that a distribution contributes.

    Attributes:
        name: The command.
        value: The entry point's value, ``module:attribute``.
        distribution: Who offers it.
        version: That distribution's version.
    """

    name: str
    value: str
    distribution: str
    version: str

    @property
    def origin(self) -> Origin:
        """Which command this is, for texts."""
        return Origin(self.name, self.distribution, self.version)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every plugin and command that installed distributions declare.

    Attributes:
        plugins: Sorted by kind (in the order of `KINDS`), name and distribution. Holds both where
            two distributions offer the same.
        commands: Sorted by name and distribution.
        strays: Groups that begin like ours and are none, each with the distribution that declares
            it; sorted.
    """

    plugins: tuple[PluginEntry, ...] = ()
    commands: tuple[CommandEntry, ...] = ()
    strays: tuple[tuple[str, str], ...] = ()

    @classmethod
    def installed(cls, path: Iterable[str] | None = None) -> Catalogue:
        """Read the metadata of all distributions, without importing any.

        Args:
            path: The folders to look into instead of `sys.path`.
        """
        plugins: list[PluginEntry] = []
        commands: list[CommandEntry] = []
        strays: set[tuple[str, str]] = set()
        for distribution in _distributions(path):
            name, version = distribution.metadata["Name"], distribution.version
            requires = tuple(distribution.requires or ())
            for point in _entry_points(distribution):
                if point.group == _COMMAND:
                    commands.append(CommandEntry(point.name, point.value, name, version))
                elif (kind := point.group.removeprefix(_PREFIX)) in KINDS:
                    plugins.append(
                        PluginEntry(kind, point.name, point.value, name, version, requires)
                    )
                else:
                    strays.add((point.group, f"{name} {version}"))
        plugins.sort(key=lambda entry: (KINDS.index(entry.kind), entry.name, entry.distribution))
        commands.sort(key=lambda entry: (entry.name, entry.distribution))
        return cls(tuple(plugins), tuple(commands), tuple(sorted(strays)))

    def named(self, kind: Kind, name: str) -> tuple[PluginEntry, ...]:
        """Return who offers ``name`` as a plugin of ``kind``: nobody, one, or too many."""
        return tuple(e for e in self.plugins if e.kind == kind and e.name == name)

    def names(self, kind: Kind) -> tuple[str, ...]:
        """Return the names installed for ``kind``, sorted, each once."""
        return tuple(sorted({entry.name for entry in self.plugins if entry.kind == kind}))

    def find(self, kind: Kind, name: str) -> PluginEntry:
        """Return the one plugin of ``kind`` that ``name`` stands for.

        Raises:
            NameTaken: Several distributions offer it.
            PluginNotInstalled: It is one of this project's and not installed.
            WrongKind: A plugin of another kind has this name.
            UnknownPlugin: Nobody offers it.
        """
        entries = self.named(kind, name)
        if len(entries) == 1:
            return entries[0]
        if entries:
            raise NameTaken(kind, name, [f"{e.distribution} {e.version}" for e in entries])
        if (published := PUBLISHED.get((kind, name))) is not None:
            raise PluginNotInstalled(kind, name, published)
        offers = [other for other in KINDS if self.named(other, name)]
        if offers:
            raise WrongKind(kind, name, offers, self.names(kind))
        known = {published for of_kind, published in PUBLISHED if of_kind == kind}
        raise UnknownPlugin(kind, name, self.names(kind), known)


def _distributions(path: Iterable[str] | None) -> Iterator[Distribution]:
    """Yield the distributions with entry points of ours, the first of each name on the path."""
    found = distributions() if path is None else distributions(path=list(path))
    seen: set[str] = set()
    for distribution in found:
        text = distribution.read_text("entry_points.txt")
        if text is None or _PREFIX not in text:
            continue
        if not (distribution.read_text("METADATA") or distribution.read_text("PKG-INFO")):
            continue  # what an interrupted uninstall leaves behind
        name = canonicalize_name(distribution.metadata["Name"])
        if name not in seen:
            seen.add(name)
            yield distribution


def _entry_points(distribution: Distribution) -> Iterator[EntryPoint]:
    return (point for point in distribution.entry_points if point.group.startswith(_PREFIX))
