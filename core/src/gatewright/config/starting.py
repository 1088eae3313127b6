"""Writes a file to start from: the plugins that were chosen, every option explained."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, Final

import yaml
from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from gatewright.config.placeholders import needed
from gatewright.config.settings import ServerSettings
from gatewright.plugin.manager import LoadedPlugin
from gatewright.plugin.spec import KINDS, section_of

__all__ = ["Starting", "starting"]

_WIDTH: Final = 100
_HEAD: Final = """\
# A gateway, begun by `gatewright init`. Lines such as '#name: value' are options as they are by
# default; take the '#' away to change one. ${NAME} is an environment variable.
# Check it with: gatewright config check -c FILE

"""


@dataclass(frozen=True, slots=True)
class Starting:
    """A file to start from.

    Attributes:
        text: The file.
        variables: The environment variables that must be set for it.
    """

    text: str
    variables: tuple[str, ...]


def starting(plugins: Sequence[LoadedPlugin]) -> Starting:
    """Return a file for some plugins; all that they need is a variable in it."""
    names = [plugin.entry.name for plugin in plugins]
    variables: list[str] = []
    parts = [_HEAD, *_server()]
    for kind in KINDS:
        chosen = [plugin for plugin in plugins if plugin.entry.kind == kind]
        if chosen:
            parts.append(f"\n{section_of(kind)}:\n")
        for plugin in chosen:
            writer = _Writer(_prefix(plugin, names))
            parts += [f"{line}\n" for line in writer.entry(plugin)]
            variables += writer.variables
    return Starting("".join(parts), tuple(dict.fromkeys(variables)))


def _server() -> Iterator[str]:
    bind = ServerSettings.model_fields["bind"]
    yield "server:\n"
    yield from (f"{line}\n" for line in _comment(bind.description or "", "  "))
    yield f"  bind: {_written(bind.default)}\n"


def _prefix(plugin: LoadedPlugin, names: Sequence[str]) -> str:
    """Return what a plugin's variables begin with; two of one name are told apart by kind."""
    name = plugin.entry.name
    text = name if names.count(name) == 1 else f"{plugin.entry.kind}_{name}"
    return re.sub(r"\W", "_", text).upper()


class _Writer:
    """Writes one plugin's entry.

    Attributes:
        variables: The environment variables that it needs.
    """

    def __init__(self, prefix: str) -> None:
        self.variables: list[str] = []
        self._prefix = prefix

    def entry(self, plugin: LoadedPlugin) -> Iterator[str]:
        yield from _comment(plugin.factory.summary, "  ")
        yield f"  {_written(plugin.entry.name)}:"
        yield from self._options(plugin.factory.settings, self._prefix, "    ")

    def _options(self, model: type[BaseModel], prefix: str, indent: str) -> Iterator[str]:
        schemas, must = _schemas(model), needed(model)
        for name, field in model.model_fields.items():
            alias = field.validation_alias or field.alias
            key = alias if isinstance(alias, str) else name
            yield from _comment(field.description or "", indent)
            variable = re.sub(r"\W", "_", f"{prefix}_{key}").upper()
            if name not in must:
                yield f"{indent}#{key}: {_default(field, schemas.get(key, {}), variable)}"
            elif (inner := _model_of(field)) is not None:
                yield f"{indent}{key}:"
                yield from self._options(inner, variable, f"{indent}  ")
            else:
                yield f"{indent}{key}: {self._placeholder(schemas.get(key, {}), variable)}"

    def _placeholder(self, schema: Mapping[str, Any], variable: str) -> str:
        types = _types(schema)
        if types == {"object"}:
            return "{}"
        if "array" in types and "string" not in types:
            variable = variable.removesuffix("S")
            self.variables.append(variable)
            return f'["${{{variable}}}"]'
        self.variables.append(variable)
        return f'"${{{variable}}}"'


def _schemas(model: type[BaseModel]) -> Mapping[str, Any]:
    try:
        properties: Mapping[str, Any] = model.model_json_schema().get("properties", {})
    except PydanticInvalidForJsonSchema:  # a type of Python that JSON does not know
        return {}
    return properties


def _types(schema: Mapping[str, Any]) -> set[str]:
    ways = schema.get("anyOf", [schema])
    return {way["type"] for way in ways if way.get("type", "null") != "null"}


def _model_of(field: FieldInfo) -> type[BaseModel] | None:
    found = field.annotation
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def _default(field: FieldInfo, schema: Mapping[str, Any], variable: str) -> str:
    """Return an option's default as YAML; a secret's is a variable instead."""
    ways = schema.get("anyOf", [schema])
    if any(way.get("writeOnly") for way in ways):
        return f'"${{{variable}}}"'
    return _written(to_jsonable_python(field.get_default(call_default_factory=True)))


def _written(value: object) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...").replace("${", "$${")


def _comment(text: str, indent: str) -> Iterator[str]:
    return (f"{indent}# {line}" for line in wrap(text, _WIDTH - len(indent) - 2))
