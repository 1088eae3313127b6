"""Holds one part of the file to the pydantic model of its settings."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gatewright.config.nodes import Items, Mark, Node, Option, Options, Path, describe
from gatewright.config.report import Report
from gatewright.config.translate import (
    EXTRA,
    MISSING,
    TOO_SHORT,
    expected,
    is_own,
    say,
)
from gatewright.plugin.settings import Settings
from gatewright.plugin.suggest import did_you_mean

__all__ = ["check_spelling", "validate"]

S = TypeVar("S", bound=Settings)


def validate(
    model: type[S],
    options: Options,
    path: Path,
    report: Report,
    *,
    mark: Mark | None = None,
    reserved: Sequence[str] = (),
) -> S | None:
    """Return the settings that ``options`` stand for, or ``None`` once every problem is reported.

    Args:
        model: The settings.
        options: What the file says, with the environment put in.
        path: Where that is.
        report: Gets the problems.
        mark: Where to point when an option is missing; the start of ``options`` unless given.
        reserved: Options beside the model's own, for suggestions.
    """
    part = _Part(model, options, path, report, mark or options.mark, reserved)
    try:
        settings = model.model_validate(options.plain)
    except ValidationError as error:
        errors = _details(error)
        settings = None
    except Exception as error:  # noqa: BLE001 - a plugin's own validator; its text may hold values
        report.add(f"checking it raised {type(error).__name__}", path, part.mark)
        return None
    else:
        errors = []
    errors = [*part.truths_as_numbers(), *errors]
    part.report_all(errors)
    return None if errors or options.broken else settings


def check_spelling(
    model: type[Settings],
    options: Options,
    path: Path,
    report: Report,
    *,
    reserved: Sequence[str] = (),
) -> None:
    """Report the options that ``model`` does not know, and nothing else."""
    part = _Part(model, options, path, report, options.mark, reserved)
    try:
        model.model_validate(options.plain)
    except ValidationError as error:
        part.report_all([detail for detail in _details(error) if detail["type"] == EXTRA])
    except Exception:  # noqa: BLE001 - what a validator says about values does not matter here
        return


def _details(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_input=False)


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of the file, and how to point into it."""

    model: type[Settings]
    options: Options
    path: Path
    report: Report
    mark: Mark
    reserved: Sequence[str]

    def truths_as_numbers(self) -> list[ErrorDetails]:
        """Return errors for true and false where numbers belong, which pydantic lets pass."""
        try:
            self.model.model_validate(self.options.plain, strict=True)
        except ValidationError as error:
            return [
                detail
                for detail in _details(error)
                if detail["type"] in {"int_type", "float_type"}
                and isinstance(self._node(self._where(detail)).plain, bool)
            ]
        except Exception:  # noqa: BLE001 - said already by the validation that counts
            return []
        return []

    def report_all(self, errors: Sequence[ErrorDetails]) -> None:
        """Report errors, those about one value together."""
        groups: dict[Path, list[ErrorDetails]] = {}
        for error in errors:
            where = self._where(error)
            if not self._is_consequence(error, where):
                groups.setdefault(where, []).append(error)
        for where, group in groups.items():
            if group[0]["type"] == TOO_SHORT and _has_below(where, groups):
                continue  # items with problems of their own were not counted
            self._report_group(where, group)

    def _where(self, error: ErrorDetails) -> Path:
        """Return where an error is, without what pydantic adds for unions and dictionaries."""
        node: Node = self.options
        found: list[str | int] = []
        for part in error["loc"]:
            if isinstance(node, Options) and (option := node.entries.get(str(part))) is not None:
                found.append(str(part))
                node = option.node
            elif isinstance(node, Items) and isinstance(part, int) and part < len(node.items):
                found.append(part)
                node = node.items[part]
        if error["type"] == MISSING:
            found.append(error["loc"][-1])
        return tuple(found)

    def _is_consequence(self, error: ErrorDetails, where: Path) -> bool:
        """Tell whether an error only follows from an option that is reported and left out."""
        if error["type"] == MISSING:
            parent, name = self._node(where[:-1]), where[-1]
        else:
            parent, name = self._node(where), None
        if not isinstance(parent, Options) or not parent.broken:
            return False
        if name is None:
            return is_own(error) or not parent.broken.isdisjoint(error["loc"])
        return name in parent.broken

    def _report_group(self, where: Path, group: Sequence[ErrorDetails]) -> None:
        path = (*self.path, *where)
        first = group[0]
        if first["type"] == EXTRA:
            hint = did_you_mean(str(where[-1]), self._known(where))
            self.report.add(f"unknown option{hint}", path, self._option(where).mark)
        elif first["type"] == MISSING:
            self._report_missing(where)
        else:
            node = self._node(where)
            mark = node.mark if where else self.mark
            nouns = list(dict.fromkeys(noun for error in group if (noun := expected(error))))
            if len(nouns) > 1 and len(nouns) == len(group):
                message = f"must be {' or '.join(nouns)}, found {describe(node)}"
                self.report.add(message, path, mark)
            else:
                self.report.add(say(first, node), path, mark)

    def _report_missing(self, where: Path) -> None:
        path = (*self.path, *where)
        parent = self._node(where[:-1])
        if isinstance(parent, Options) and (mark := parent.emptied.get(str(where[-1]))):
            self.report.add("is required, but empty once variables are put in", path, mark)
        else:
            mark = self._option(where[:-1]).mark if len(where) > 1 else self.mark
            self.report.add("is required", path, mark)

    def _node(self, where: Path) -> Node:
        node: Node = self.options
        for part in where:
            if isinstance(node, Options):
                node = node.entries[str(part)].node
            elif isinstance(node, Items) and isinstance(part, int):
                node = node.items[part]
        return node

    def _option(self, where: Path) -> Option:
        """Return the option at a place; a list item counts as one."""
        parent, last = self._node(where[:-1]), where[-1]
        if isinstance(parent, Options):
            return parent.entries[str(last)]
        node = self._node(where)
        return Option(node.mark, node)

    def _known(self, where: Path) -> list[str]:
        """Return the options that exist where an unknown one was found."""
        models: list[type[BaseModel]] = [self.model]
        for part in where[:-1]:  # positions and keys of free mappings lead to no other model
            below = [inner for model in models for inner in _models_below(model, part)]
            models = below or models
        names = [name for model in models for name in _names(model)]
        return [*names, *self.reserved] if len(where) == 1 else names


def _has_below(where: Path, places: Iterable[Path]) -> bool:
    return any(len(place) > len(where) and place[: len(where)] == where for place in places)


def _names(model: type[BaseModel]) -> Iterator[str]:
    for name, info in model.model_fields.items():
        alias = info.validation_alias or info.alias
        yield alias if isinstance(alias, str) else name


def _models_below(model: type[BaseModel], part: str | int) -> Iterator[type[BaseModel]]:
    for name, alias in zip(model.model_fields, _names(model), strict=True):
        if part in {name, alias}:
            yield from _models_in(model.model_fields[name].annotation)


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models that an annotation mentions, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is not None or isinstance(annotation, types.UnionType):
        for argument in get_args(annotation):
            yield from _models_in(argument)
