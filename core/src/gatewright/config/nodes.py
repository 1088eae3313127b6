"""The file as a tree that remembers where everything stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gatewright.plugin.suggest import shown

__all__ = ["Items", "Mark", "Node", "Option", "Options", "Path", "Scalar", "describe", "dotted"]

Path = tuple[str | int, ...]
"""Where something is: the names of options, and positions in lists from 0."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the file, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value.

    Attributes:
        value: What it means: text, a number, true, false or nothing.
        text: What is written.
        mark: Where it starts.
    """

    value: str | int | float | bool | None
    text: str
    mark: Mark

    @property
    def plain(self) -> str | int | float | bool | None:
        """The value without its place."""
        return self.value


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    mark: Mark

    @property
    def plain(self) -> list[Any]:
        """The list without places."""
        return [item.plain for item in self.items]


@dataclass(frozen=True, slots=True)
class Option:
    """A key and what it holds.

    Attributes:
        mark: Where the key stands.
        node: What it holds.
    """

    mark: Mark
    node: Node


@dataclass(frozen=True, slots=True)
class Options:
    """A mapping.

    Attributes:
        entries: What it holds, in the order of the file.
        mark: Where it starts.
        emptied: The keys that substitution left empty, so that they count as absent.
        broken: The keys that hold something already reported, left out as well.
    """

    entries: Mapping[str, Option]
    mark: Mark
    emptied: Mapping[str, Mark] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()

    @property
    def plain(self) -> dict[str, Any]:
        """The mapping without places."""
        return {key: option.node.plain for key, option in self.entries.items()}


Node = Scalar | Items | Options


def dotted(path: Path) -> str:
    """Return a path as texts have it: ``transports.http.api_keys[0]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{shown(part)}" if text else shown(part)
    return text


def describe(value: object) -> str:
    """Say what kind of value was found, without ever saying the value."""
    if isinstance(value, Scalar):
        value = value.value
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float):
        return "a number"
    return "a list" if isinstance(value, list | tuple | Items) else "a mapping"
