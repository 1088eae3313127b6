"""Keeps what is secret in a plugin's settings out of what is shown about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretBytes, SecretStr

from gatewright.plugin.describe import escaped

__all__ = ["NO_SECRETS", "Secrets"]

HIDDEN: Final = "***"


class Secrets:
    """The secrets of one plugin.

    Plugins show none by themselves; this stands behind them, since what a client library or a
    server says may repeat one.

    Args:
        settings: The plugin's settings; whatever is a `SecretStr` there is secret. Of an address
            also its password and its query alone are.
    """

    def __init__(self, settings: object = None) -> None:
        words = {word for text in _secret_texts(settings) for word in _words(text)}
        longest_first = sorted(filter(None, words), key=len, reverse=True)
        pattern = "|".join(map(re.escape, longest_first))
        self._pattern = re.compile(rf"(?<!\w)(?:{pattern})(?!\w)") if pattern else None

    def hidden(self, text: str) -> str:
        """Return ``text`` as one printable line without any of them."""
        if self._pattern is not None:
            text = self._pattern.sub(HIDDEN, text)
        return escaped(text)


def _secret_texts(value: object) -> Iterator[str]:
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case SecretBytes():
            yield value.get_secret_value().decode(errors="replace")
        case BaseModel():
            for name in type(value).model_fields:
                yield from _secret_texts(getattr(value, name))
        case Mapping():
            for each in value.values():
                yield from _secret_texts(each)
        case list() | tuple() | set() | frozenset():
            for each in value:
                yield from _secret_texts(each)


def _words(text: str) -> Iterator[str]:
    yield text.strip()
    try:
        parts = urlsplit(text)
        name, password = parts.username, parts.password
    except ValueError:
        return
    if not parts.netloc:
        return
    if password and password != name:  # guest:guest hides nothing
        yield password
        yield unquote(password)
    yield parts.query


NO_SECRETS: Final = Secrets()
