"""From an entry in the catalogue to an imported module that fits this core."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from gatewright.plugin.catalogue import PluginEntry
from gatewright.plugin.errors import (
    BadEntryPoint,
    HookApiMalformed,
    HookApiMismatch,
    HookApiMissing,
    ImportFailed,
    WrongCore,
)
from gatewright.plugin.spec import HOOK_API, PROJECT

__all__ = ["load_module"]

_API: Final = "GATEWRIGHT_API"
_API_PARTS: Final = 2


def load_module(entry: PluginEntry, *, running: str) -> ModuleType:
    """Import a plugin's module, once it is known to fit.

    Args:
        entry: Which plugin.
        running: The version of gatewright that runs.

    Raises:
        FaultyPlugin: Its distribution requires another gatewright (found out before importing), its
            module cannot be imported, or states no hook API that this core offers.
    """
    _check_requirement(entry, running)
    module = _import(entry)
    _check_api(entry, module, running)
    return module


def _check_requirement(entry: PluginEntry, running: str) -> None:
    try:
        version = Version(running)
    except InvalidVersion:  # a checkout without proper metadata: the hook API decides alone
        return
    for line in entry.requires:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if canonicalize_name(requirement.name) != PROJECT:
            continue
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            raise WrongCore(entry.origin, str(requirement.specifier), running)


def _import(entry: PluginEntry) -> ModuleType:
    if not all(part.isidentifier() for part in entry.value.split(".")):
        raise BadEntryPoint(entry.origin, entry.value)
    try:
        return importlib.import_module(entry.value)
    except (Exception, SystemExit) as error:
        raise ImportFailed(entry.origin, error) from error


def _check_api(entry: PluginEntry, module: ModuleType, running: str) -> None:
    stated = getattr(module, _API, None)
    if stated is None:
        raise HookApiMissing(entry.origin)
    if not (
        isinstance(stated, tuple)
        and len(stated) == _API_PARTS
        and all(type(part) is int and part >= 0 for part in stated)
    ):
        raise HookApiMalformed(entry.origin)
    major, minor = stated
    if major != HOOK_API[0] or minor > HOOK_API[1]:
        raise HookApiMismatch(entry.origin, (major, minor), HOOK_API, running)
