"""What a publisher put into an entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

__all__ = ["data_of", "fields_as_json"]

_DATA: Final = b"data"
_ENCODE: Final = msgspec.json.Encoder().encode


def data_of(fields: Sequence[bytes]) -> bytes | None:
    """Return the field ``data``, or ``None`` where there is none. Other fields are ignored."""
    if fields[0] == _DATA and len(fields) == 2:  # noqa: PLR2004 - one field, one value
        return fields[1]
    return dict(zip(fields[::2], fields[1::2], strict=True)).get(_DATA)


def fields_as_json(fields: Sequence[bytes]) -> bytes:
    """Return all fields as a JSON object; what is not UTF-8 is escaped in its text."""
    names, values = map(_text, fields[::2]), map(_text, fields[1::2])
    return _ENCODE(dict(zip(names, values, strict=True)))


def _text(value: bytes) -> str:
    return value.decode(errors="backslashreplace")
