"""Exceptions as one line of text, for operators and logs."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["describe", "escaped", "root_of"]

LONGEST_TEXT: Final = 500
_LOOKED_AT: Final = 4 * LONGEST_TEXT
_CREDENTIALS: Final = re.compile(r"://\S*@")
"""What an address may hold before its host; clients repeat it in what they raise."""


def root_of(error: BaseException) -> BaseException:
    """Return what a group of one exception is about; task groups wrap what their tasks raise."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def describe(error: BaseException) -> str:
    """Return the type and text of an exception as one printable line."""
    error = root_of(error)
    text = escaped(str(error))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def escaped(text: str) -> str:
    """Return ``text`` as one printable line, without user names and passwords of addresses.

    Control characters are escaped, long text is cut.
    """
    text = _CREDENTIALS.sub("://***@", text[:_LOOKED_AT])
    line = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in text[: LONGEST_TEXT + 1]
    )
    return line if len(line) <= LONGEST_TEXT else line[:LONGEST_TEXT] + "…"
