"""Reading settings out of a mapping, every problem told at once and by name."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from gatewright_sdk.errors import ConfigurationError

__all__ = ["KEY_PROBLEM", "Problems", "Section", "is_key"]

_WORDS: Final = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
_HIGHEST_PORT: Final = 65535

KEY_PROBLEM: Final = "must be ASCII without spaces and control characters: a header carries it"


def is_key(text: str) -> bool:
    """Tell whether a header can carry ``text`` as it is."""
    return text.isascii() and all("!" <= each <= "~" for each in text)


@dataclass(slots=True)
class Problems:
    """What is wrong so far.

    Attributes:
        names: What a setting is called where it comes from, such as an environment variable, by its
            path. Those that are not in it are called by their paths.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)

    def add(self, path: str, message: str) -> None:
        """Remember a problem of the setting at ``path``; once, if one name gives several."""
        problem = f"{self.names.get(path, path)}: {message}"
        if problem not in self.found:
            self.found.append(problem)

    def raise_if_any(self) -> None:
        """End the reading.

        Raises:
            ConfigurationError: There were problems; the text has a line for each.
        """
        if self.found:
            raise ConfigurationError("\n".join(self.found))


class Section:
    """One mapping of settings, each of which is taken once.

    A value that cannot be used is reported, and its default is returned, so that reading goes on.
    Found values are shown in problems, but those of `secret` and `address`.
    """

    def __init__(self, values: Mapping[str, Any], path: str, problems: Problems) -> None:
        self._values = values
        self._path = path
        self._problems = problems
        self._taken: set[str] = set()

    def section(self, name: str) -> Section:
        """Return the mapping at ``name``; an empty one where there is none."""
        value = self._take(name)
        if value is not None and not isinstance(value, Mapping):
            self._wrong(name, f"must be a mapping, found {_shown(value)}")
            value = None
        return Section(value or {}, self._at(name), self._problems)

    def text(self, name: str, default: str) -> str:
        """Return a text that is not empty."""
        value = self._take(name)
        if value is None:
            return default
        if not isinstance(value, str):
            self._wrong(name, f"must be a text, found {_shown(value)}")
            return default
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a text, None where there is none."""
        return self.text(name, "") or None

    def path(self, name: str, default: str, *, holding: str = "") -> str:
        """Return the path of a URL; with ``holding``, one in which that stands."""
        path = self.text(name, default)
        if not path.startswith("/") or holding not in path:
            more = f" and hold {holding}" if holding else ""
            self._wrong(name, f"must begin with a slash{more}, found {path!r}")
            return default
        return path

    def choice(self, name: str, choices: Iterable[str], default: str) -> str:
        """Return one of several words."""
        value = self.text(name, default)
        if value not in (words := tuple(choices)):
            self._wrong(name, f"must be one of {', '.join(words)}, found {value!r}")
            return default
        return value

    def secret(self, name: str) -> str | None:
        """Return a text that is never shown, None where there is none."""
        value = self._take(name)
        if value is None or isinstance(value, str):
            return value
        self._wrong(name, f"must be a text, found a {type(value).__name__}")
        return None

    def key(self, name: str) -> str | None:
        """Return a secret that a header can carry (RFC 9110, section 5.5: visible ASCII)."""
        key = self.secret(name)
        if key is not None and not is_key(key):
            self._wrong(name, KEY_PROBLEM)
            return None
        return key

    def secrets(self, name: str) -> tuple[str, ...]:
        """Return texts that are never shown; empty ones are left out."""
        value = self._take(name)
        if value is None:
            return ()
        given = (value,) if isinstance(value, str) else value
        if not isinstance(given, Iterable) or not all(isinstance(one, str) for one in given):
            self._wrong(name, "must be a text, or a list of texts")
            return ()
        return tuple(one for one in given if one)

    def texts(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Return one text or several; a single text may hold several, separated by commas."""
        value = self._take(name)
        if value is None:
            return default
        given = value.split(",") if isinstance(value, str) else value
        if not isinstance(given, Iterable) or not all(isinstance(one, str) for one in given):
            self._wrong(name, f"must be a text, or a list of texts, found {_shown(value)}")
            return default
        return tuple(one.strip() for one in given if one.strip()) or default

    def address(self, name: str, default: str | None, schemes: Iterable[str]) -> str:
        """Return a URL with one of these schemes; no problem's text shows it.

        Args:
            name: The setting.
            default: None where the setting is required.
            schemes: Such as ``("http", "https")``.
        """
        value = self._take(name)
        if value is None and default is not None:
            return default
        words = tuple(schemes)
        if value is None:
            self._wrong(name, f"is missing: an address that begins with {_any_of(words)}")
        elif not isinstance(value, str) or not _is_address(value, words):
            self._wrong(name, f"must be an address that begins with {_any_of(words)}")
        else:
            return value
        return ""

    def seconds(self, name: str, default: float) -> float:
        """Return a time in seconds, more than 0."""
        number = self._number(name, default)
        if not (math.isfinite(number) and number > 0):
            self._wrong(name, f"must be more than 0 seconds, found {number:g}")
            return default
        return number

    def integer(self, name: str, default: int, least: int) -> int:
        """Return a whole number, at least ``least``."""
        number = self._number(name, default)
        if not (math.isfinite(number) and number == int(number) and number >= least):
            self._wrong(name, f"must be a whole number, {least} or more, found {number:g}")
            return default
        return int(number)

    def optional_integer(self, name: str, least: int) -> int | None:
        """Return a whole number, None where there is none."""
        return None if self._take(name) is None else self.integer(name, least, least)

    def flag(self, name: str, *, default: bool) -> bool:
        """Return whether something is switched on."""
        value = self._take(name)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        meant = _WORDS.get(value.strip().lower()) if isinstance(value, str) else None
        if meant is None:
            self._wrong(name, f"must be true or false, found {_shown(value)}")
            return default
        return meant

    def leave(self, *names: str) -> None:
        """Let these stand unread: settings of what was not chosen."""
        self._taken.update(names)

    def finish(self) -> None:
        """Report what nobody asked for."""
        for name in self._values:
            if name not in self._taken:
                near = difflib.get_close_matches(str(name), sorted(self._taken), n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                self._wrong(str(name), f"is no setting{hint}")

    def _take(self, name: str) -> Any:  # noqa: ANN401 - whatever is there
        self._taken.add(name)
        value = self._values.get(name)
        return None if isinstance(value, str) and not value else value

    def _number(self, name: str, default: float) -> float:
        value = self._take(name)
        if value is None:
            return default
        try:
            return float("" if isinstance(value, bool) else value)
        except (TypeError, ValueError, OverflowError):
            self._wrong(name, f"must be a number, found {_shown(value)}")
            return default

    def _wrong(self, name: str, message: str) -> None:
        self._problems.add(self._at(name), message)

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def _is_address(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in schemes or any(each.isspace() for each in text):
        return False
    there = bool(parts.path if parts.scheme == "unix" else parts.hostname)
    return there and (port is None or 0 < port <= _HIGHEST_PORT)


def _any_of(words: tuple[str, ...]) -> str:
    return " or ".join(f"{word}://" for word in words)


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (str, int, float, bool)):
        return repr(value)
    return f"a {type(value).__name__}"
