"""``${NAME}``, ``${NAME:-default}`` and ``${NAME:+then}``, in scalars that are already parsed.

A value is put into text and never looked at again: it can add neither structure nor further
substitutions. ``$${`` writes a literal ``${``; a lone ``$`` is just that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Substituted", "substitute"]

MAX_DEPTH: Final = 16

MALFORMED: Final = (
    "has a '${' that starts no substitution; write ${NAME}, ${NAME:-default} or ${NAME:+then}, "
    "and $${ for a literal ${"
)
TOO_DEEP: Final = f"nests substitutions deeper than {MAX_DEPTH} levels"

_OPEN: Final = re.compile(r"\$\$\{|\$\{")
_OPEN_OR_CLOSE: Final = re.compile(r"\$\$\{|\$\{|\}")
_HEAD: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(:-|:\+|\})")


@dataclass(slots=True)
class Substituted:
    """What became of a text.

    Attributes:
        text: The text with everything put in; without meaning when there is a problem.
        changed: Whether there was anything to put in.
        unset: The names that are needed and not set, in the order found, as keys.
        error: Why the text cannot be read, or ``None``.
    """

    text: str = ""
    changed: bool = False
    unset: dict[str, None] = field(default_factory=dict)
    error: str | None = None


class _MalformedError(Exception):
    pass


def substitute(text: str, environ: Mapping[str, str]) -> Substituted:
    """Put the environment into ``text``. Never raises; linear in the length of ``text``."""
    result = Substituted(text)
    if "${" not in text:
        return result
    try:
        result.text, _ = _Substitution(text, environ, result).run(0, depth=0, used=True)
    except _MalformedError as error:
        result.error = str(error)
    return result


class _Substitution:
    def __init__(self, text: str, environ: Mapping[str, str], result: Substituted) -> None:
        self._text, self._environ, self._result = text, environ, result

    def run(self, start: int, *, depth: int, used: bool) -> tuple[str, int]:
        """Expand from ``start`` to the end, or inside a substitution to its closing brace.

        Returns the text, and where it ended. Where the text is not ``used``, unset names do no
        harm.
        """
        if depth > MAX_DEPTH:
            raise _MalformedError(TOO_DEEP)
        parts: list[str] = []
        pattern = _OPEN_OR_CLOSE if depth else _OPEN
        while (match := pattern.search(self._text, start)) is not None:
            parts.append(self._text[start : match.start()])
            start = match.end()
            if match[0] == "}":
                return "".join(parts), start
            if match[0] == "$${":
                self._result.changed = True
                parts.append("${")
                continue
            part, start = self._one(start, depth=depth, used=used)
            parts.append(part)
        if depth:
            raise _MalformedError(MALFORMED)
        parts.append(self._text[start:])
        return "".join(parts), len(self._text)

    def _one(self, start: int, *, depth: int, used: bool) -> tuple[str, int]:
        """Expand the substitution whose name starts at ``start``."""
        head = _HEAD.match(self._text, start)
        if head is None:
            raise _MalformedError(MALFORMED)
        self._result.changed = True
        name, operator = head.groups()
        value = self._environ.get(name)
        if operator == "}":
            if value is None and used:
                self._result.unset[name] = None
            return value or "", head.end()
        wanted = bool(value) is (operator == ":+")
        other, end = self.run(head.end(), depth=depth + 1, used=used and wanted)
        if wanted:
            return other, end
        return (value or "") if operator == ":-" else "", end
