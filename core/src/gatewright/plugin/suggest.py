"""The nearest name, for whoever misspelt one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

__all__ = ["did_you_mean", "listed", "nearest", "shown"]

MAX_COMPARED: Final = 80
MAX_SHOWN: Final = 60


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that ``name`` most likely stands for, or ``None``.

    Case and the choice between ``-`` and ``_`` do not count. Names too long to be a slip of the
    finger are not compared, so this is cheap whatever it is given.
    """
    if len(name) > MAX_COMPARED:
        return None
    folded = {_fold(candidate): candidate for candidate in sorted(known, reverse=True)}
    matches = difflib.get_close_matches(_fold(name), folded, n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'dsn'?``, or nothing where no known name is near."""
    match = nearest(name, known)
    return "" if match is None else f"; did you mean {match!r}?"


def listed(names: Iterable[str]) -> str:
    """Return ``a, b and c``."""
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last


def shown(name: str) -> str:
    """Return a name as it may stand in one line of text, whatever characters it holds."""
    if len(name) > MAX_SHOWN:
        name = name[: MAX_SHOWN - 1] + "…"
    return name if name.isprintable() and name.strip() == name != "" else repr(name)


def _fold(name: str) -> str:
    return name.lower().replace("-", "_")
