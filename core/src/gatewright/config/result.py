"""What loading a configuration yields: settings, and which plugins were chosen with what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewright.config.settings import CoreSettings
from gatewright.plugin.factory import Factory
from gatewright.plugin.settings import Settings
from gatewright.plugin.spec import Kind

__all__ = ["Config", "Selected"]


@dataclass(frozen=True, slots=True)
class Selected:
    """One plugin that the configuration chose.

    Attributes:
        kind: Its kind.
        name: The word in the YAML with its label, ``redis_stream/eu``.
        plugin: The word without the label, ``redis_stream``.
        distribution: ``gatewright-transport-redis 1.3.0``.
        factory: What the plugin declared.
        settings: Its validated settings.
        by_default: Whether the core chose it because the file names none of its kind.
    """

    kind: Kind
    name: str
    plugin: str
    distribution: str
    factory: Factory[Any, Any]
    settings: Settings
    by_default: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration, checked.

    Attributes:
        core: The core's own sections.
        plugins: What was chosen, by kind, in the order of the file. ``auth``, ``presence``,
            ``bus``, ``rate_limit`` and ``dead_letters`` hold exactly one.
        file: The file it came from, as named, or ``None``.
        last_resort: The local file behind the chosen dead letter store; ``None`` where that store
            is itself the local file.
        left_out: Extensions that the file names and the environment switched off, each with why.
    """

    core: CoreSettings
    plugins: Mapping[Kind, tuple[Selected, ...]]
    file: str | None = None
    last_resort: Selected | None = None
    left_out: tuple[str, ...] = ()

    def one(self, kind: Kind) -> Selected:
        """Return the plugin of a kind that takes exactly one."""
        (selected,) = self.plugins[kind]
        return selected
