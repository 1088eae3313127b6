"""Plugins given as they are, beside those that are installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gatewright.plugin.catalogue import Catalogue, PluginEntry
from gatewright.plugin.factory import Factory
from gatewright.plugin.manager import LoadedPlugin, PluginManager
from gatewright.plugin.spec import Kind

__all__ = ["Factories", "GivenPlugins"]

Factories = Mapping[tuple[Kind, str], Factory[Any, Any]]
"""Factories by kind and by the name that stands for them in the YAML."""


class GivenPlugins(PluginManager):
    """Finds the factories of a test by their names, and installed plugins by theirs."""

    def __init__(self, factories: Factories) -> None:
        """Put ``factories`` in front of what is installed."""
        installed = Catalogue.installed()
        entries = {
            (kind, name): PluginEntry(kind, name, "", "in-this-test", "0")
            for kind, name in factories
        }
        others = [each for each in installed.plugins if (each.kind, each.name) not in entries]
        super().__init__(replace(installed, plugins=(*others, *entries.values())))
        for key, factory in factories.items():
            self._factories[key] = LoadedPlugin(entries[key], factory)
