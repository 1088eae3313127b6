"""What a client sent: one parse that tells what kind of message a text is."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

import msgspec

from gatewright.wire.strict import MAX_NESTING, nests_deeper_than

__all__ = ["Kind", "classify", "refresh_token"]


class Kind(Enum):
    """The kinds of text a client may send."""

    PING = auto()
    HEARTBEAT = auto()
    REFRESH = auto()
    """An object whose type is ``refresh``; only `refresh_token` tells whether it is one."""
    OBJECT = auto()
    RAW = auto()
    """Not a JSON object, not strict JSON, or nested too deep: forwarded as text."""


class _Head(msgspec.Struct):
    type: msgspec.Raw = msgspec.Raw(b"")


class _Refresh(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    token: str


_HEAD = msgspec.json.Decoder(_Head)
_TEXT = msgspec.json.Decoder(str)
_REFRESH = msgspec.json.Decoder(_Refresh)
_KINDS: Final = {"ping": Kind.PING, "heartbeat": Kind.HEARTBEAT, "refresh": Kind.REFRESH}
_QUOTE: Final = b'"'


def classify(text: str) -> Kind:
    """Tell what ``text`` is, by the wire contract. Never raises.

    A name written twice counts as JSON parsers count it: the last one holds.
    """
    try:
        head = bytes(_HEAD.decode(text).type)
        brackets = text.count("[") + text.count("{")
        if brackets > MAX_NESTING and nests_deeper_than(text.encode()):
            return Kind.RAW
        if not head.startswith(_QUOTE):
            return Kind.OBJECT
        return _KINDS.get(_TEXT.decode(head), Kind.OBJECT)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return Kind.RAW


def refresh_token(text: str) -> str | None:
    """Return the token of an object that holds exactly ``type`` and ``token``, else ``None``."""
    try:
        return _REFRESH.decode(text).token
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None
