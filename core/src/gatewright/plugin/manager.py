"""The plugins of one gateway: loaded when they are named, registered once, asked once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from time import perf_counter
from types import ModuleType
from typing import Any, Final

import pluggy

from gatewright.plugin import spec
from gatewright.plugin.catalogue import Catalogue, PluginEntry
from gatewright.plugin.errors import (
    AsyncHook,
    HookArguments,
    HookFailed,
    HookMissing,
    HookRefused,
    NotAFactory,
    UnknownHook,
    WrongSettings,
)
from gatewright.plugin.factory import Factory
from gatewright.plugin.loader import load_module
from gatewright.plugin.settings import Settings, SinkSettings, TransportSettings
from gatewright.plugin.spec import HOOK_API, KINDS, PROJECT, Kind

__all__ = ["LoadedPlugin", "PluginManager"]

_BASES: Final[dict[Kind, type[Settings]]] = {
    "events": SinkSettings,
    "transport": TransportSettings,
}
_HOOKS: Final = tuple(f"{PROJECT}_{kind}" for kind in KINDS)
_REQUIRED_PARAMETERS: Final = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.KEYWORD_ONLY,
)


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """A plugin that was found, loaded and asked.

    Attributes:
        entry: Where it came from.
        factory: What it declared.
        api: The hook API that it was built for.
        hooks: The hooks that its module implements, sorted.
    """

    entry: PluginEntry
    factory: Factory[Any, Any]
    api: tuple[int, int] = HOOK_API
    hooks: tuple[str, ...] = ()


class PluginManager:
    """Loads the plugins that one gateway names. Not shared between gateways or threads.

    Attributes:
        catalogue: What there is to choose from.
    """

    def __init__(self, catalogue: Catalogue | None = None, *, running: str | None = None) -> None:
        """Start without any plugin.

        Args:
            catalogue: What to choose from; the installed distributions unless given.
            running: The version of gatewright that plugins must fit; the installed one unless
                given.
        """
        self.catalogue = Catalogue.installed() if catalogue is None else catalogue
        self._running = version(PROJECT) if running is None else running
        self._hooks = pluggy.PluginManager(PROJECT)
        self._hooks.add_hookspecs(spec)
        self._factories: dict[tuple[Kind, str], LoadedPlugin] = {}
        self._tell: Callable[[str], None] | None = None

    def trace(self, tell: Callable[[str], None]) -> None:
        """Have every call of a hook told from now on, as one line without settings or secrets."""
        self._tell = tell

    def load(self, kind: Kind, name: str) -> LoadedPlugin:
        """Return what the plugin ``name`` of ``kind`` declares; it is asked only once.

        Raises:
            PluginError: There is no such plugin, or it cannot be used.
        """
        if (loaded := self._factories.get((kind, name))) is None:
            entry = self.catalogue.find(kind, name)
            module = load_module(entry, running=self._running)
            self._register(entry, module)
            loaded = LoadedPlugin(
                entry=entry,
                factory=self._declared(kind, entry, module),
                api=module.GATEWRIGHT_API,
                hooks=tuple(sorted(hook for hook, _ in self._implementations(entry, module))),
            )
            self._factories[kind, name] = loaded
        return loaded

    def _register(self, entry: PluginEntry, module: ModuleType) -> None:
        if self._hooks.is_registered(module):  # it serves another kind as well
            return
        for hook, function in self._implementations(entry, module):
            self._check_hook(entry, hook, function)
        try:
            self._hooks.register(module, f"{entry.distribution}:{entry.value}")
            self._hooks.check_pending()
        except (pluggy.PluginValidationError, ValueError) as error:
            if self._hooks.is_registered(module):
                self._hooks.unregister(module)
            raise HookRefused(entry.origin, error) from error

    def _implementations(
        self, entry: PluginEntry, module: ModuleType
    ) -> Iterator[tuple[str, object]]:
        """Yield each hook that the module implements, with the function that does it."""
        try:
            for name in dir(module):
                options = self._hooks.parse_hookimpl_opts(module, name)
                if options is not None:
                    yield options.get("specname") or name, getattr(module, name)
        except Exception as error:
            raise HookRefused(entry.origin, error) from error

    def _check_hook(self, entry: PluginEntry, hook: str, function: object) -> None:
        if hook not in _HOOKS:
            raise UnknownHook(entry.origin, hook, _HOOKS)
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise AsyncHook(entry.origin, hook)
        passed = tuple(inspect.signature(getattr(spec, hook)).parameters)
        surplus = [name for name in _required(function) if name not in passed]
        if surplus:
            raise HookArguments(entry.origin, hook, surplus, passed)

    def _declared(self, kind: Kind, entry: PluginEntry, module: ModuleType) -> Factory[Any, Any]:
        hook = f"{PROJECT}_{kind}"
        if not any(hook == implemented for implemented, _ in self._implementations(entry, module)):
            raise HookMissing(entry.origin, hook, module.__name__)
        try:
            results = self._call(hook, module)
        except (Exception, SystemExit) as error:
            raise HookFailed(entry.origin, hook, error) from error
        if len(results) != 1:
            raise NotAFactory(entry.origin, hook, str(len(results)) if results else "nothing")
        return _checked(kind, hook, entry, results[0])

    def _call(self, hook: str, module: ModuleType) -> list[object]:
        """Call one hook of one module, and of no other that is registered."""
        others = [plugin for plugin in self._hooks.get_plugins() if plugin is not module]
        caller = self._hooks.subset_hook_caller(hook, others)
        began = perf_counter()
        try:
            results: list[object] = caller()
        except BaseException as error:
            self._told(hook, module, type(error).__name__, began)
            raise
        self._told(hook, module, ", ".join(map(_summary, results)) or "nothing", began)
        return results

    def _told(self, hook: str, module: ModuleType, outcome: str, began: float) -> None:
        if self._tell is not None:
            plugin, took = self._hooks.get_name(module), (perf_counter() - began) * 1000
            self._tell(f"hook {hook}() of {plugin} -> {outcome} in {took:.2f} ms")


def _summary(result: object) -> str:
    if not isinstance(result, Factory):
        return type(result).__name__
    model: object = result.settings
    return f"Factory({getattr(model, '__name__', type(model).__name__)}, {result.summary!r})"


def _checked(kind: Kind, hook: str, entry: PluginEntry, result: object) -> Factory[Any, Any]:
    if not isinstance(result, Factory):
        raise NotAFactory(entry.origin, hook, type(result).__name__)
    if not callable(result.open):
        raise NotAFactory(entry.origin, hook, "one whose open cannot be called")
    base = _BASES.get(kind, Settings)
    model: object = result.settings
    if not (isinstance(model, type) and issubclass(model, base)):
        found = model.__name__ if isinstance(model, type) else type(model).__name__
        raise WrongSettings(entry.origin, hook, base.__name__, found)
    return result


def _required(function: object) -> Iterator[str]:
    """Yield the parameters that a call must fill."""
    if not callable(function):
        return
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in _REQUIRED_PARAMETERS and parameter.default is parameter.empty:
            yield parameter.name
