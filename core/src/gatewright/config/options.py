"""The options of a settings model in words: for the pages, and for the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.fields import FieldInfo

__all__ = ["COMPUTED", "DescribedOption", "options_of"]

COMPUTED: Final = "see right"
"""The default of an option whose default is found out at start; its meaning says how."""

_KIB: Final = 1024
_MIB: Final = 1024 * 1024
_NOUNS: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "mapping",
}
_BOUNDS: Final = (
    ("exclusiveMinimum", "above {}"),
    ("minimum", "at least {}"),
    ("exclusiveMaximum", "below {}"),
    ("maximum", "at most {}"),
)


@dataclass(frozen=True, slots=True)
class DescribedOption:
    """One option.

    Attributes:
        name: As it stands in the file.
        type: What kind of value it takes; choices stand in backticks.
        default: The value it has where the file says nothing; ``None`` where there is none.
        size: The default in larger units, or ``""``.
        required: Whether the file must say it.
        meaning: What the model says about it.
    """

    name: str
    type: str
    default: str | None
    size: str
    required: bool
    meaning: str


def options_of(
    model: type[BaseModel], base: type[BaseModel] | None = None
) -> Iterator[DescribedOption]:
    """Yield a model's options in its order, without those that are as in ``base``."""
    try:
        properties = model.model_json_schema().get("properties", {})
    except PydanticInvalidForJsonSchema:  # a type of Python that JSON does not know
        properties = {}
    for name, field in model.model_fields.items():
        if base is None or not _as_in(base, name, field):
            alias = field.validation_alias or field.alias
            shown = alias if isinstance(alias, str) else name
            yield _described(shown, field, properties.get(shown, {}))


def _described(name: str, field: FieldInfo, schema: Mapping[str, Any]) -> DescribedOption:
    default, size = None, ""
    if field.default_factory is not None:
        default = COMPUTED
    elif not field.is_required() and field.default is not None:
        default, size = _written(field.default), _size(field.default)
    return DescribedOption(
        name=name,
        type=_noun(schema),
        default=default,
        size=size,
        required=field.is_required(),
        meaning=field.description or "",
    )


def _as_in(base: type[BaseModel], name: str, field: FieldInfo) -> bool:
    other = base.model_fields.get(name)
    return other is not None and other.default == field.default


def _noun(schema: Mapping[str, Any]) -> str:
    """Return what kind of value a JSON Schema asks for."""
    if (several := schema.get("anyOf")) is not None:
        return " or ".join(_noun(one) for one in several if one.get("type") != "null")
    if "enum" in schema or "const" in schema:
        return f"one of {_choices(schema)}"
    if "$ref" in schema:
        return "mapping"
    if schema.get("type") == "array":
        items = schema.get("items", {})
        return f"list of {_choices(items) if 'enum' in items else _noun(items)}"
    if schema.get("format") == "path":
        return "path"
    return ", ".join([_NOUNS.get(schema.get("type", ""), "any value"), *_bounds(schema)])


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    for key, words in _BOUNDS:
        if key in schema:
            yield words.format(f"{schema[key]:g}")


def _choices(schema: Mapping[str, Any]) -> str:
    return ", ".join(f"`{choice}`" for choice in schema.get("enum", [schema.get("const")]))


def _written(value: object) -> str:
    """Return a default as it would be written in the file."""
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case tuple():
            return f"[{', '.join(map(str, value))}]"
        case _:
            return str(value)


def _size(value: object) -> str:
    """Say in larger units what is a whole number of them."""
    if not isinstance(value, int) or value < _KIB or value % _KIB:
        return ""
    return f"{value // _MIB} MiB" if value % _MIB == 0 else f"{value // _KIB} KiB"
