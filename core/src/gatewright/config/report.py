"""Collects what is wrong with a file, so that all of it is told at once."""

from __future__ import annotations

from typing import NoReturn

from gatewright.config.nodes import Mark, Path, dotted
from gatewright.errors import ConfigError, Problem

__all__ = ["Report"]


class Report:
    """The problems found so far.

    Attributes:
        file: The file as the operator named it.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._problems: dict[Problem, None] = {}

    def add(self, message: str, path: Path = (), mark: Mark | None = None) -> None:
        """Note one problem; the same one again does not count."""
        line, column = (None, None) if mark is None else (mark.line, mark.column)
        self._problems[Problem(dotted(path), message, self.file, line, column)] = None

    def __len__(self) -> int:
        return len(self._problems)

    def raise_if_any(self) -> None:
        """End here if there is a problem.

        Raises:
            ConfigError: With all of them, in the order of the file; those without a place come
                last.
        """
        if self._problems:
            raise ConfigError(sorted(self._problems, key=_place))

    def fail(self, message: str, mark: Mark | None = None) -> NoReturn:
        """Note a problem that nothing can be read behind, and end here.

        Raises:
            ConfigError: With this and all others.
        """
        self.add(message, (), mark)
        raise ConfigError(sorted(self._problems, key=_place))


def _place(problem: Problem) -> tuple[bool, int, int]:
    return (problem.line is None, problem.line or 0, problem.column or 0)
