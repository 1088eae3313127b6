"""What a single value means: YAML 1.1's text, numbers, true, false and nothing.

What YAML 1.1 would make a date, or a number counted in sixties, is text here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

__all__ = ["SWITCH_WORDS", "TAGS", "UNUSABLE", "usable", "value_of"]

UNUSABLE: Final = "holds a character that text cannot have (NUL or half a surrogate pair)"

SWITCH_WORDS: Final = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0", ""), False),
}
"""What an environment variable says, in lower case, where it switches something on or off."""

Value = str | int | float | bool | None

_YAML: Final = "tag:yaml.org,2002:"
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "yes", "on"), True),
    **dict.fromkeys(("false", "no", "off"), False),
}


def usable(text: str) -> bool:
    """Tell whether every program can hold ``text``: no NUL, no half of a surrogate pair."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _null(text: str) -> None:
    if text not in {"", "~", "null", "Null", "NULL"}:
        raise ValueError


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise ValueError from None


def _integer(text: str) -> int | str:
    if ":" in text:  # YAML 1.1 counts 1:30 in sixties; nobody who writes it means 90
        return text
    digits = text.replace("_", "")
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    if digits.startswith(("0b", "0x")):
        return sign * int(digits, 0)
    octal = len(digits) > 1 and digits.startswith("0")
    return sign * int(digits, 8 if octal else 10)


def _number(text: str) -> float | str:
    if ":" in text:
        return text
    digits = text.replace("_", "").lower()
    if digits.lstrip("+-") == ".inf":
        return -math.inf if digits.startswith("-") else math.inf
    return math.nan if digits == ".nan" else float(digits)


_MAKERS: Final[Mapping[str, Callable[[str], Value]]] = {
    **dict.fromkeys((f"{_YAML}str", f"{_YAML}timestamp", f"{_YAML}value"), str),
    f"{_YAML}null": _null,
    f"{_YAML}bool": _boolean,
    f"{_YAML}int": _integer,
    f"{_YAML}float": _number,
}

TAGS: Final = frozenset(_MAKERS)
"""The tags of values that may stand in a configuration."""


def value_of(tag: str, text: str) -> Value:
    """Return what ``text`` means under one of `TAGS`.

    Raises:
        ValueError: It is no such value.
        OverflowError: It is beyond what can be held.
    """
    return _MAKERS[tag](text)
