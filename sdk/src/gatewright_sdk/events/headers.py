"""The headers of a request, whatever the framework calls them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

__all__ = ["Headers", "lowered"]

Text = str | bytes
Headers = Mapping[str, str] | Mapping[bytes, bytes] | Iterable[tuple[Text, Text]]
"""Names and values: a mapping, or pairs; text or bytes; in any case."""


def lowered(headers: Headers) -> dict[str, str]:
    """Return the headers by their names in lower case; of a repeated one, the first value."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    found: dict[str, str] = {}
    for name, value in cast("Iterable[tuple[Text, Text]]", pairs):
        found.setdefault(_text(name).lower(), _text(value))
    return found


def _text(value: Text) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
