"""``enabled``, the one key the core reserves in every plugin's entry: is it in use at all?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NoReturn

from gatewright.config.nodes import Items, Mark, Node, Option, Options, Path, Scalar, describe
from gatewright.config.report import Report
from gatewright.config.scalars import SWITCH_WORDS, UNUSABLE, usable
from gatewright.config.substitute import substitute
from gatewright.plugin.suggest import did_you_mean

__all__ = ["KEY", "Enabled"]

KEY: Final = "enabled"

_TESTS: Final = ("in", "not_in", "set")
_KEYS: Final = ("env", *_TESTS, "all", "any")
_CONDITION: Final = (
    "a condition is {env: NAME, in: […]}, {env: NAME, not_in: […]}, {env: NAME, set: true}, "
    "{all: […]} or {any: […]}"
)


class _BadCondition(Exception):
    """It cannot be told, and it is reported why."""


class Enabled:
    """Tells whether entries are enabled, by the environment and nothing else."""

    def __init__(self, environ: Mapping[str, str], report: Report) -> None:
        self._environ = environ
        self._report = report

    def of(self, entry: Options, path: Path) -> bool | None:
        """Tell whether an entry is enabled; ``None`` once it is reported why nobody can tell."""
        if KEY in entry.broken:
            return None
        option = entry.entries.get(KEY)
        if option is None:
            return True
        try:
            return self._holds(option.node, (*path, KEY), option.mark)
        except _BadCondition:
            return None

    def _holds(self, node: Node, path: Path, mark: Mark) -> bool:
        if isinstance(node, Scalar):
            return self._switch(node, path, mark)
        if isinstance(node, Items):
            message = f"must be true, false or a condition, found a list; {_CONDITION}"
            self._refuse(message, path, node.mark)
        return self._condition(node, path)

    def _switch(self, node: Scalar, path: Path, mark: Mark) -> bool:
        if node.value is None:
            return False
        text = self._text(node, path, mark).strip().lower()
        if (value := SWITCH_WORDS.get(text)) is None:
            message = f"must be true, false or a condition, found {describe(node.value)}"
            self._refuse(message, path, node.mark)
        return value

    def _condition(self, node: Options, path: Path) -> bool:
        for key, option in node.entries.items():
            if key not in _KEYS:
                message = f"unknown option{did_you_mean(key, _KEYS)}"
                self._refuse(message, (*path, key), option.mark)
        keys = set(node.entries)
        if keys == {"all"}:
            return self._joined(all, node.entries["all"].node, (*path, "all"))
        if keys == {"any"}:
            return self._joined(any, node.entries["any"].node, (*path, "any"))
        if node.broken:
            raise _BadCondition
        if "env" not in keys or len(keys) != 2:  # noqa: PLR2004
            self._refuse(_CONDITION, path, node.mark)
        (test,) = keys - {"env"}
        return self._test(test, node, path)

    def _joined(self, join: Callable[[list[bool]], bool], node: Node, path: Path) -> bool:
        if not isinstance(node, Items) or not node.items:
            self._refuse("must be a list of conditions", path, node.mark)
        return join(
            [self._holds(item, (*path, index), item.mark) for index, item in enumerate(node.items)]
        )

    def _test(self, test: str, node: Options, path: Path) -> bool:
        value = self._environ.get(self._name(node.entries["env"], (*path, "env")), "")
        path = (*path, test)
        option = node.entries[test]
        if test == "set":
            if not isinstance(option.node, Scalar):
                self._refuse("must be true or false", path, option.node.mark)
            return bool(value) is self._switch(option.node, path, option.mark)
        if not isinstance(option.node, Items):
            message = f"must be a list, found {describe(option.node)}"
            self._refuse(message, path, option.node.mark)
        words = {self._word(item, (*path, index)) for index, item in enumerate(option.node.items)}
        return (value != "" and value in words) is (test == "in")

    def _name(self, option: Option, path: Path) -> str:
        node = option.node
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            message = f"must be the name of an environment variable, found {describe(node)}"
            self._refuse(message, path, node.mark)
        return self._text(node, path, option.mark)

    def _word(self, node: Node, path: Path) -> str:
        """Return a list item as it is written: ``on`` and ``1`` are what a variable holds."""
        if not isinstance(node, Scalar):
            self._refuse(f"must be text, found {describe(node)}", path, node.mark)
        return self._text(node, path, node.mark)

    def _text(self, node: Scalar, path: Path, mark: Mark) -> str:
        result = substitute(node.text, self._environ)
        if result.error is not None:
            self._refuse(result.error, path, mark)
        for name in result.unset:
            self._report.add(f"environment variable {name} is not set", path, mark)
        if result.unset:
            raise _BadCondition
        if not usable(result.text):
            self._refuse(UNUSABLE, path, mark)
        return result.text

    def _refuse(self, message: str, path: Path, mark: Mark) -> NoReturn:
        self._report.add(message, path, mark)
        raise _BadCondition
