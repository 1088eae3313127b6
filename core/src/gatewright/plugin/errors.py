"""What can be wrong with a plugin, one class for each case.

::

    PluginError
    ├── UnknownPlugin         nobody offers this name
    ├── PluginNotInstalled    this project publishes it, but it is not here
    ├── WrongKind             the name is there, for another kind
    ├── NameTaken             two distributions offer it
    └── FaultyPlugin          it is there and cannot be used; knows which one
        ├── ImportFailed      ├── HookApiMissing   ├── UnknownHook      ├── HookMissing
        ├── BadEntryPoint     ├── HookApiMalformed ├── HookArguments    ├── HookFailed
        ├── WrongCore         ├── HookApiMismatch  ├── AsyncHook        ├── NotAFactory
        └── HookRefused       └── WrongSettings

Attributes hold the data, ``__str__`` builds the sentence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gatewright.errors import PluginError
from gatewright.plugin.describe import escaped
from gatewright.plugin.spec import HOOK_API, Kind
from gatewright.plugin.suggest import did_you_mean, listed, shown

__all__ = [
    "AsyncHook",
    "BadEntryPoint",
    "FaultyPlugin",
    "HookApiMalformed",
    "HookApiMismatch",
    "HookApiMissing",
    "HookArguments",
    "HookFailed",
    "HookMissing",
    "HookRefused",
    "ImportFailed",
    "NameTaken",
    "NotAFactory",
    "Origin",
    "PluginNotInstalled",
    "UnknownHook",
    "UnknownPlugin",
    "WrongCore",
    "WrongKind",
    "WrongSettings",
    "noun_of",
]

_NOUNS: Final[dict[Kind, tuple[str, str]]] = {
    "auth": ("auth", "auth"),
    "transport": ("transport", "transports"),
    "presence": ("presence", "presence"),
    "events": ("event sink", "event sinks"),
    "dead_letters": ("dead letter store", "dead letter stores"),
    "rate_limit": ("rate limit", "rate limits"),
    "bus": ("bus", "buses"),
    "extension": ("extension", "extensions"),
}

Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Origin:
    """Which plugin, and who brought it.

    Attributes:
        plugin: The word in the YAML, without a label.
        distribution: The distribution that offers it.
        version: That distribution's version.
    """

    plugin: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} ({self.distribution} {self.version})"


def noun_of(kind: Kind, *, plural: bool = False) -> str:
    """Return what a plugin of ``kind`` is called in a sentence."""
    return _NOUNS[kind][plural]


class UnknownPlugin(PluginError):
    """The configuration names a plugin that no installed distribution offers."""

    def __init__(
        self, kind: Kind, name: str, installed: Iterable[str], known: Iterable[str] = ()
    ) -> None:
        self.kind, self.name = kind, name
        self.installed, self.known = tuple(sorted(installed)), tuple(sorted(known))
        super().__init__(kind, name, self.installed, self.known)

    def __str__(self) -> str:
        hint = did_you_mean(self.name, {*self.installed, *self.known}) or "."
        installed = ", ".join(self.installed) or "none"
        return f"no {noun_of(self.kind)} named {_quoted(self.name)}{hint} Installed: {installed}."


class PluginNotInstalled(PluginError):
    """The plugin is one of this project's, and its distribution is not installed."""

    def __init__(self, kind: Kind, name: str, distribution: str) -> None:
        self.kind, self.name, self.distribution = kind, name, distribution
        super().__init__(kind, name, distribution)

    def __str__(self) -> str:
        return (
            f"published as {self.distribution} but not installed here; "
            f"run: pip install {self.distribution}"
        )


class WrongKind(PluginError):
    """The plugin is installed, but does something else."""

    def __init__(
        self, kind: Kind, name: str, offers: Iterable[Kind], installed: Iterable[str]
    ) -> None:
        self.kind, self.name = kind, name
        self.offers, self.installed = tuple(offers), tuple(sorted(installed))
        super().__init__(kind, name, self.offers, self.installed)

    def __str__(self) -> str:
        plural = noun_of(self.kind, plural=True).capitalize()
        return (
            f"{_quoted(self.name)} is installed but offers "
            f"{listed(noun_of(kind) for kind in self.offers)}, not {noun_of(self.kind)}. "
            f"{plural}: {', '.join(self.installed) or 'none'}."
        )


class NameTaken(PluginError):
    """Several distributions offer one name, so nobody can say which is meant."""

    def __init__(self, kind: Kind, name: str, distributions: Iterable[str]) -> None:
        self.kind, self.name, self.distributions = kind, name, tuple(distributions)
        super().__init__(kind, name, self.distributions)

    def __str__(self) -> str:
        many = len(self.distributions)
        count, rest = ("two", "one") if many == 2 else (str(many), "all but one")  # noqa: PLR2004
        return (
            f"{count} distributions provide {noun_of(self.kind)} {self.name!r}: "
            f"{listed(self.distributions)}; uninstall {rest}"
        )


class FaultyPlugin(PluginError):
    """A plugin is installed and cannot be used.

    Attributes:
        origin: Which one.
    """

    def __init__(self, origin: Origin, *data: object) -> None:
        self.origin = origin
        super().__init__(origin, *data)


class BadEntryPoint(FaultyPlugin):
    """The entry point names no module."""

    def __init__(self, origin: Origin, value: str) -> None:
        self.value = value
        super().__init__(origin, value)

    def __str__(self) -> str:
        return f"{self.origin}: its entry point must name a module, found {_quoted(self.value)}"


class ImportFailed(FaultyPlugin):
    """The plugin's module cannot be imported."""

    def __init__(self, origin: Origin, error: BaseException) -> None:
        self.error = error
        super().__init__(origin, error)

    def __str__(self) -> str:
        hint = "; reinstall it" if isinstance(self.error, ImportError) else ""
        return f"{self.origin} cannot be imported: {_raised(self.error)}{hint}"


class WrongCore(FaultyPlugin):
    """The plugin's own requirements exclude the gatewright that runs."""

    def __init__(self, origin: Origin, required: str, running: str) -> None:
        self.required, self.running = required, running
        super().__init__(origin, required, running)

    def __str__(self) -> str:
        return (
            f"{self.origin} requires gatewright{self.required}, this is {self.running}; "
            f"run: pip install --upgrade gatewright {self.origin.distribution}"
        )


class HookApiMissing(FaultyPlugin):
    """The plugin does not say which hook API it was built for."""

    def __str__(self) -> str:
        return f"{self.origin} states no hook API; add GATEWRIGHT_API = {HOOK_API} to its module"


class HookApiMalformed(FaultyPlugin):
    """The plugin states a hook API that is no pair of integers."""

    def __str__(self) -> str:
        return (
            f"{self.origin} states a hook API that is not a pair of whole numbers; "
            f"write GATEWRIGHT_API = {HOOK_API} in its module"
        )


class HookApiMismatch(FaultyPlugin):
    """The plugin was built for a hook API that this core does not offer."""

    def __init__(self, origin: Origin, stated: Version, offered: Version, running: str) -> None:
        self.stated, self.offered, self.running = stated, offered, running
        super().__init__(origin, stated, offered, running)

    def __str__(self) -> str:
        name, version = self.origin.distribution, self.origin.version
        hint = (
            f"upgrade gatewright, or install {name}<{version}"
            if self.stated > self.offered
            else f"upgrade {name}"
        )
        return (
            f"{self.origin} was built for hook API {_dotted(self.stated)}; "
            f"gatewright {self.running} offers {_dotted(self.offered)}; {hint}"
        )


class UnknownHook(FaultyPlugin):
    """The plugin implements a hook that does not exist."""

    def __init__(self, origin: Origin, hook: str, known: Iterable[str]) -> None:
        self.hook, self.known = hook, tuple(known)
        super().__init__(origin, hook, self.known)

    def __str__(self) -> str:
        hint = did_you_mean(self.hook, self.known)
        return f"{self.origin} implements {self.hook!r}, which is no hook{hint}"


class HookArguments(FaultyPlugin):
    """The plugin's hook asks for arguments that are not passed."""

    def __init__(
        self, origin: Origin, hook: str, surplus: Iterable[str], passed: Iterable[str]
    ) -> None:
        self.hook, self.surplus, self.passed = hook, tuple(surplus), tuple(passed)
        super().__init__(origin, hook, self.surplus, self.passed)

    def __str__(self) -> str:
        passed = listed(repr(name) for name in self.passed) if self.passed else "nothing"
        return (
            f"{self.origin} takes {listed(repr(name) for name in self.surplus)}, "
            f"which {self.hook} does not pass; it passes {passed}"
        )


class AsyncHook(FaultyPlugin):
    """The plugin's hook is asynchronous."""

    def __init__(self, origin: Origin, hook: str) -> None:
        self.hook = hook
        super().__init__(origin, hook)

    def __str__(self) -> str:
        return (
            f"{self.origin}: {self.hook} is 'async def'; hooks are plain functions: "
            "put async work in the factory's open()"
        )


class HookMissing(FaultyPlugin):
    """The plugin's module does not implement the hook of the kind it is registered for."""

    def __init__(self, origin: Origin, hook: str, module: str) -> None:
        self.hook, self.module = hook, module
        super().__init__(origin, hook, module)

    def __str__(self) -> str:
        return (
            f"{self.origin} does not implement {self.hook}; "
            f"add it to module {self.module!r}, marked with @hookimpl"
        )


class HookRefused(FaultyPlugin):
    """The plugin cannot be registered for a reason that has no text of its own."""

    def __init__(self, origin: Origin, error: BaseException) -> None:
        self.error = error
        super().__init__(origin, error)

    def __str__(self) -> str:
        return f"{self.origin} cannot be registered: {_raised(self.error)}"


class HookFailed(FaultyPlugin):
    """The plugin's hook raised."""

    def __init__(self, origin: Origin, hook: str, error: BaseException) -> None:
        self.hook, self.error = hook, error
        super().__init__(origin, hook, error)

    def __str__(self) -> str:
        return f"{self.origin}: {self.hook} raised {_raised(self.error)}"


class NotAFactory(FaultyPlugin):
    """The plugin's hook returned something else than one usable factory."""

    def __init__(self, origin: Origin, hook: str, found: str) -> None:
        self.hook, self.found = hook, found
        super().__init__(origin, hook, found)

    def __str__(self) -> str:
        return f"{self.origin}: {self.hook} must return one Factory, found {self.found}"


class WrongSettings(FaultyPlugin):
    """The settings of the plugin's factory do not have the base class of its kind."""

    def __init__(self, origin: Origin, hook: str, base: str, found: str) -> None:
        self.hook, self.base, self.found = hook, base, found
        super().__init__(origin, hook, base, found)

    def __str__(self) -> str:
        return (
            f"{self.origin}: the settings of {self.hook}'s factory must be a subclass of "
            f"{self.base}, found {self.found}"
        )


def _raised(error: BaseException) -> str:
    """Return an exception as one line."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {escaped(lines[0])}" if lines else type(error).__name__


def _quoted(name: str) -> str:
    text = shown(name)
    return text if text[:1] in "'\"" else repr(text)


def _dotted(version: Version) -> str:
    return ".".join(str(part) for part in version)
