"""Puts the environment into a part of the tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from gatewright.config.nodes import Items, Mark, Node, Option, Options, Path, Scalar
from gatewright.config.report import Report
from gatewright.config.scalars import UNUSABLE, usable
from gatewright.config.substitute import substitute

__all__ = ["Resolver"]


class _Emptied(Exception):
    """Substitution left nothing: the key or list item counts as absent."""


class _Broken(Exception):
    """There is nothing to use, and it is reported why."""


class Resolver:
    """Substitutes in nodes. A scalar left empty is the same as an absent key or list item."""

    def __init__(self, environ: Mapping[str, str], report: Report) -> None:
        self.environ = environ
        self.report = report

    def options(self, node: Options, path: Path) -> Options:
        """Return a mapping with the environment put in, without what that left empty."""
        entries: dict[str, Option] = {}
        emptied: dict[str, Mark] = {}
        broken = set(node.broken)
        for key, option in node.entries.items():
            try:
                value = self._node(option.node, (*path, key), option.mark)
            except _Emptied:
                emptied[key] = option.mark
            except _Broken:
                broken.add(key)
            else:
                entries[key] = Option(option.mark, value)
        return Options(entries, node.mark, emptied, frozenset(broken))

    def option(self, option: Option, path: Path) -> Option | None:
        """Return one option with the environment put in; ``None`` where nothing is left of it."""
        try:
            return Option(option.mark, self._node(option.node, path, option.mark))
        except (_Emptied, _Broken):
            return None

    def _node(self, node: Node, path: Path, mark: Mark) -> Node:
        match node:
            case Options():
                return self.options(node, path)
            case Items():
                return self._items(node, path)
            case Scalar():
                return self._scalar(node, path, mark)

    def _items(self, node: Items, path: Path) -> Items:
        items: list[Node] = []
        broken = False
        for index, item in enumerate(node.items):
            try:
                items.append(self._node(item, (*path, index), item.mark))
            except _Emptied:
                continue
            except _Broken:
                broken = True
        if broken:
            raise _Broken
        return Items(tuple(items), node.mark)

    def _scalar(self, node: Scalar, path: Path, mark: Mark) -> Scalar:
        if not isinstance(node.value, str):
            return node
        result = substitute(node.value, self.environ)
        if result.error is not None:
            self._refuse(result.error, path, mark)
        for name in result.unset:
            self.report.add(f"environment variable {name} is not set", path, mark)
        if result.unset:
            raise _Broken
        if not result.changed:
            return node
        if not result.text:
            raise _Emptied
        if not usable(result.text):
            self._refuse(UNUSABLE, path, mark)
        return Scalar(result.text, result.text, node.mark)

    def _refuse(self, message: str, path: Path, mark: Mark) -> NoReturn:
        self.report.add(message, path, mark)
        raise _Broken
