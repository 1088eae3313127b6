"""Dead letters as the fields of an entry, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, cast

from gatewright import DeadLetter

__all__ = ["fields_of", "letter_of"]

_TEXTS: Final = ("target", "reason", "type", "connection_id", "user_id", "error")


def fields_of(letter: DeadLetter) -> dict[bytes, bytes]:
    """Return the fields of an entry; its payload keeps its bytes."""
    fields = {
        "id": letter.id,
        "kind": letter.kind,
        "seq": str(letter.seq),
        "first_at": repr(letter.first_at),
        "last_at": repr(letter.last_at),
        "attempts": str(letter.attempts),
        **{name: getattr(letter, name) for name in _TEXTS},
    }
    if letter.event_reason is not None:
        fields["event_reason"] = letter.event_reason
    encoded = {
        name.encode(): value.encode(errors="surrogatepass") for name, value in fields.items()
    }
    return encoded | {b"payload": letter.payload}


def letter_of(entry_id: str, fields: Mapping[bytes, bytes]) -> DeadLetter:
    """Read an entry, whoever wrote it: what is missing or strange becomes its default.

    Entries as the transports write them (``reason``, ``raw``) are publications.
    """

    def text(name: str, default: str = "") -> str:
        value = fields.get(name.encode())
        return default if value is None else value.decode(errors="replace")

    reason = fields.get(b"event_reason")
    kind = text("kind", "publication")
    return DeadLetter(
        id=text("id", entry_id),
        kind=cast("Literal['event', 'publication']", kind if kind == "event" else "publication"),
        payload=fields.get(b"payload", fields.get(b"raw", b"")),
        seq=_whole(text("seq")),
        first_at=_seconds(text("first_at"), entry_id),
        last_at=_seconds(text("last_at"), entry_id),
        attempts=_whole(text("attempts")),
        event_reason=None if reason is None else reason.decode(errors="replace"),
        **{name: text(name) for name in _TEXTS},
    )


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0


def _seconds(text: str, entry_id: str) -> float:
    """Return a time; where there is none, that of the entry."""
    try:
        return float(text)
    except ValueError:
        return _whole(entry_id.partition("-")[0]) / 1000
