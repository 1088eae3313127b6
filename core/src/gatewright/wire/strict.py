"""Strict JSON: what RFC 8259 allows, in UTF-8, to a bounded nesting.

msgspec checks the grammar (no NaN, no lone surrogate escapes, no trailing commas) even in what it
skips, but not that skipped bytes are UTF-8, and its own nesting bound is the interpreter's stack.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Final

__all__ = ["MAX_NESTING", "nests_deeper_than", "utf8_error"]

MAX_NESTING: Final = 128
"""Objects and arrays inside each other, the outermost counted as one."""

# Possessive, and content with a missing end: linear on whatever it is given.
_STRINGS: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEP: Final = bytes(1 if byte in b"[{" else 255 for byte in range(256))


def nests_deeper_than(data: bytes, limit: int = MAX_NESTING) -> bool:
    """Tell whether the JSON in ``data`` nests deeper than ``limit``.

    Linear in the length of ``data`` and without recursion, so safe before any parser has seen it.
    The answer is only meaningful for valid JSON.
    """
    if data.count(b"[") + data.count(b"{") <= limit:
        return False
    brackets = _STRINGS.sub(b"", data).translate(None, _NOT_BRACKETS)
    steps = memoryview(brackets.translate(_STEP)).cast("b")
    return max(accumulate(steps), default=0) > limit


def utf8_error(data: bytes) -> str | None:
    """Say where ``data`` stops being UTF-8 (RFC 3629), or return ``None`` where it is."""
    if data.isascii():
        return None
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return f"not UTF-8 at byte {error.start}"
    return None
