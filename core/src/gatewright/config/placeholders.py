"""Which options of a plugin must be written, found by asking its model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

__all__ = ["needed"]

_TRIALS: Final[tuple[Any, ...]] = (
    "placeholder",
    1,
    True,
    ["placeholder"],
    {},
    "https://placeholder.example/",
    "redis://placeholder.example",
    "amqp://placeholder.example",
)
"""What an option may be given to see whether it is what is missing: the first that it takes."""

_WORD: Final = re.compile(r"\w+")


def needed(model: type[BaseModel]) -> list[str]:
    """Return the options without which a model is not satisfied, in its order.

    These are the required ones, those whose default it refuses, and the first that helps of those
    that it names when it asks for one of several.
    """
    fields = model.model_fields
    written: dict[str, Any] = {}
    for name, field in fields.items():
        if field.is_required():
            written[name] = _trial(model, name)
    for _ in fields:
        lacking = _lacking(model, written)
        if lacking is None:
            break
        written[lacking] = _trial(model, lacking)
    return [name for name in fields if name in written]


def _lacking(model: type[BaseModel], written: Mapping[str, Any]) -> str | None:
    """Return an option that a model misses beside those that are written."""
    errors = _errors(model, written)
    others = [name for name in model.model_fields if name not in written]
    for error in errors:
        if error["loc"] and error["loc"][0] in others:
            return str(error["loc"][0])
    named = {word for error in errors if not error["loc"] for word in _WORD.findall(error["msg"])}
    candidates = [name for name in others if name in named]
    helps = (
        name
        for name in candidates
        if len(_errors(model, {**written, name: _trial(model, name)})) < len(errors)
    )
    return next(helps, None)


def _trial(model: type[BaseModel], name: str) -> Any:  # noqa: ANN401 - whatever the option takes
    """Return something that an option takes, or at least something."""
    taken = (value for value in _TRIALS if not _refused(model, name, value))
    return next(taken, _TRIALS[0])


def _refused(model: type[BaseModel], name: str, value: object) -> bool:
    return any(error["loc"][:1] == (name,) for error in _errors(model, {name: value}))


def _errors(model: type[BaseModel], values: Mapping[str, Any]) -> list[ErrorDetails]:
    try:
        model.model_validate(values)
    except ValidationError as error:
        return error.errors(include_url=False, include_input=False)
    return []
