"""The JSON Schema of a configuration file, with the plugins that are installed; for editors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from gatewright.config.enabled import KEY
from gatewright.config.settings import CoreSettings
from gatewright.errors import PluginError
from gatewright.plugin.manager import PluginManager
from gatewright.plugin.spec import KINDS, Kind, section_of

__all__ = ["schema"]

Schema = dict[str, Any]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_LABEL: Final = "(/[A-Za-z0-9._-]+)?$"
_WORDS: Final = ("true", "false", "yes", "no", "on", "off")
_VARIABLE: Final[Schema] = {
    "type": "string",
    "pattern": r"\$\{",
    "description": "From the environment: ${NAME}, ${NAME:-default} or ${NAME:+then}.",
}
_TEXTS: Final[Mapping[str, Schema]] = {
    "integer": {"type": "string", "pattern": "^[+-]?[0-9]+$"},
    "number": {"type": "string", "pattern": "^[+-]?[0-9.]+([eE][+-]?[0-9]+)?$"},
    "boolean": {
        "enum": [
            *(0, 1),
            *(form for word in _WORDS for form in (word, word.capitalize(), word.upper())),
        ]
    },
}
"""What else is read as a number or a truth, because a variable may hold it."""

_ENABLED: Final[Schema] = {
    "description": "Whether the entry is in use: true, false, or a condition on the environment.",
    "$ref": "#/$defs/switch",
}
_SWITCH: Final[Schema] = {
    "anyOf": [
        {"type": ["boolean", "string", "null"]},
        {"enum": [0, 1]},
        {"$ref": "#/$defs/condition"},
    ],
}
_CONDITION: Final[Schema] = {
    "type": "object",
    "description": "Exactly one of env, all and any.",
    "additionalProperties": False,
    "properties": {
        "env": {"type": "string", "description": "A variable's name."},
        "in": {"type": "array", "description": "Values with which it holds."},
        "not_in": {"type": "array", "description": "Values with which it does not."},
        "set": {
            "type": ["boolean", "string"],
            "description": "Whether it must be there and not empty.",
        },
        "all": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/switch"}},
        "any": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/switch"}},
    },
    "oneOf": [
        {"required": ["all"], "maxProperties": 1},
        {"required": ["any"], "maxProperties": 1},
        {"required": ["env"], "minProperties": 2, "maxProperties": 2},
    ],
}


class _Generator(GenerateJsonSchema):
    """Asks less where a validator sees a value first, because it may make anything of it.

    An option also takes text then, and a model may be incomplete.
    """

    def function_before_schema(self, schema: Any) -> Schema:  # noqa: ANN401 - pydantic's own type
        own = super().function_before_schema(schema)
        if "json_schema_input_schema" in schema:  # it says itself what it takes
            return own
        if "properties" in own:
            return dict(_without("required", own))
        ways = own["anyOf"] if set(own) == {"anyOf"} else [own]
        text: Schema = {"type": "string"}
        return {"anyOf": [*ways, text]} if text not in ways else own


def schema(manager: PluginManager) -> Schema:
    """Return the schema of a whole file, draft 2020-12.

    Every plugin of the catalogue that can be loaded is in it, with and without a label. What only
    the loader can tell is not: which plugins exclude each other, and rules over several options.
    """
    definitions: Schema = {"condition": _CONDITION, "switch": _SWITCH}
    properties: Schema = {
        name: _nullable(_model(info.annotation, f"core.{name}", definitions))
        for name, info in CoreSettings.model_fields.items()
    }
    for kind in KINDS:
        properties[section_of(kind)] = _section(kind, manager, definitions)
    return {
        "$schema": _DIALECT,
        "title": "A gatewright gateway",
        "type": "object",
        "properties": properties,
        "required": ["auth"],
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }


def _section(kind: Kind, manager: PluginManager, definitions: Schema) -> Schema:
    entries: Schema = {}
    for name in manager.catalogue.names(kind):
        try:
            factory = manager.load(kind, name).factory
        except PluginError:  # `plugins check` says what is wrong with it
            continue
        options = _model(factory.settings, f"{kind}.{name}", definitions)
        options["properties"][KEY] = _ENABLED
        options["description"] = factory.summary
        required = options.pop("required", None)
        if required:  # what is switched off need not be complete
            options["if"] = {"not": {"required": [KEY]}}
            options["then"] = {"required": required}
        else:
            options = _nullable(options)
        entries[f"^{name}{_LABEL}"] = options
    return _nullable(
        {
            "type": "object",
            "description": f"Plugins of kind {kind}, by name, or by name/label.",
            "patternProperties": entries,
            "additionalProperties": False,
        }
    )


def _model(model: object, prefix: str, definitions: Schema) -> Schema:
    """Return a model's schema; what it refers to goes to ``definitions`` below ``prefix``."""
    assert isinstance(model, type)  # noqa: S101 - all sections are plain models
    assert issubclass(model, BaseModel)  # noqa: S101
    template = f"#/$defs/{prefix}.{{model}}"
    own = model.model_json_schema(ref_template=template, schema_generator=_Generator)
    for name, definition in own.pop("$defs", {}).items():
        definitions[f"{prefix}.{name}"] = _with_variables(definition)
    return _with_variables(own)


def _with_variables(schema: Schema) -> Schema:
    """Let every option of an object come from the environment, and leave titles out."""
    own = {key: value for key, value in schema.items() if key != "title"}
    if "properties" in own:
        own["properties"] = {
            name: _or_variable(option) for name, option in own["properties"].items()
        }
    return own


def _or_variable(option: Mapping[str, Any]) -> Schema:
    about = dict(_without("title", option))
    words: Schema = {key: about.pop(key) for key in ("description", "default") if key in about}
    if about == {"type": "string"}:
        return {**about, **words}
    ways = about.pop("anyOf", None) or [about]
    texts = [_TEXTS[way["type"]] for way in ways if way.get("type") in _TEXTS]
    return {"anyOf": [*map(_items_or_variable, ways), *texts, _VARIABLE], **words}


def _items_or_variable(way: Mapping[str, Any]) -> Schema:
    """Let the items of a list come from the environment as well."""
    own = dict(way)
    if own.get("type") == "array" and "items" in own:
        own["items"] = {"anyOf": [own["items"], _VARIABLE]}
    return own


def _without(key: str, mapping: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in mapping.items() if name != key)


def _nullable(schema: Schema) -> Schema:
    """Let a section or an entry be empty."""
    return {**schema, "type": ["object", "null"]}
