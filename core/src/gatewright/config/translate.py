"""pydantic's complaints in gatewright's words. No value is ever repeated, only what kind it has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from gatewright.config.nodes import describe
from gatewright.plugin.suggest import listed

__all__ = ["EXTRA", "MISSING", "TOO_SHORT", "expected", "is_own", "say"]

EXTRA: Final = "extra_forbidden"
MISSING: Final = "missing"
TOO_SHORT: Final = "too_short"
_OWN_WORDS: Final = frozenset({"value_error", "assertion_error"})
"""Errors raised by a model's own validators, whose text is taken as it is."""
_BUILT_IN: Final = frozenset(get_args(ErrorType)) - _OWN_WORDS

_TEXT, _WHOLE, _NUMBER = "text", "a whole number", "a number"
_TRUTH, _LIST, _MAPPING = "true or false", "a list", "a mapping"
_EXPECTED: Final[Mapping[str, str]] = {
    "string_type": _TEXT,
    "path_type": _TEXT,
    "bytes_type": _TEXT,
    "url_type": _TEXT,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "dict_type": _MAPPING,
    "mapping_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "dataclass_type": _MAPPING,
}
_QUOTED: Final = re.compile(r"'([^']*)'|(\d+)")

Context = Mapping[str, Any]


def is_own(error: ErrorDetails) -> bool:
    """Tell whether an error comes from a model's own validator, whatever type it was given."""
    return error["type"] not in _BUILT_IN


def expected(error: ErrorDetails) -> str | None:
    """Return what kind of value was expected, where the kind is what is wrong."""
    return _EXPECTED.get(error["type"])


def say(error: ErrorDetails, found: object) -> str:
    """Return one complaint as text.

    Args:
        error: As `pydantic.ValidationError.errors` lists it.
        found: The value it is about; only its kind is named.
    """
    kind, context = error["type"], error.get("ctx", {})
    if (noun := expected(error)) is not None:
        what = "a fraction" if kind == "int_from_float" else describe(found)
        return f"must be {noun}, found {what}"
    if kind in _OWN_WORDS:
        return _one_line(str(context.get("error", ""))) or "is not valid"
    if (sentence := _SENTENCES.get(kind)) is not None:
        return sentence(context)
    text = _one_line(error["msg"]).replace("Input should be", "must be")
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]  # URL and HS256 stay


def _choice(context: Context) -> str:
    choices = [a or b for a, b in _QUOTED.findall(str(context["expected"]))]
    return f"must be one of {', '.join(choices)}"


def _length(context: Context, noun: str) -> str:
    if (least := context.get("min_length")) is not None:
        if least == 1:
            return f"must not be {'empty' if noun == 'characters' else 'an empty list'}"
        return f"must have at least {least} {noun}"
    return f"must have at most {context['max_length']} {noun}"


def _scheme(context: Context) -> str:
    schemes = [a or b for a, b in _QUOTED.findall(str(context["expected_schemes"]))]
    return f"must be a URL that starts with {listed([f'{name}://' for name in schemes])}"


_SENTENCES: Final[Mapping[str, Callable[[Context], str]]] = {
    "greater_than": lambda c: f"must be greater than {c['gt']:g}",
    "greater_than_equal": lambda c: f"must be at least {c['ge']:g}",
    "less_than": lambda c: f"must be less than {c['lt']:g}",
    "less_than_equal": lambda c: f"must be at most {c['le']:g}",
    "multiple_of": lambda c: f"must be a multiple of {c['multiple_of']:g}",
    "finite_number": lambda _: "must be a finite number",
    "literal_error": _choice,
    "enum": _choice,
    "string_too_short": lambda c: _length(c, "characters"),
    "string_too_long": lambda c: _length(c, "characters"),
    TOO_SHORT: lambda c: _length(c, "items"),
    "too_long": lambda c: _length(c, "items"),
    "string_pattern_mismatch": lambda c: f"must match the pattern {c['pattern']}",
    "url_parsing": lambda c: f"must be a URL: {c['error']}",
    "url_scheme": _scheme,
    "path_not_file": lambda _: "must be the path of a file that exists",
    "path_not_directory": lambda _: "must be the path of a directory that exists",
}


def _one_line(text: str) -> str:
    return " ".join(text.split())
