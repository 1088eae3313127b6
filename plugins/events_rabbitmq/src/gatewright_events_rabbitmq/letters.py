"""Dead letters as messages, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic
from pamqp.common import FieldTable

from gatewright import DeadLetter
from gatewright_rabbitmq_kit import persistent

__all__ = ["EventLetters"]

_TEXTS: Final = ("target", "reason", "type", "connection_id", "user_id", "error")


class EventLetters:
    """The codec of the dead-letter queue: the payload is the body, all else stands beside it."""

    def encode(self, letter: DeadLetter) -> tuple[bytes, Basic.Properties]:
        """Return body and properties. Times are text: AMQP floats of this client are too short."""
        headers: FieldTable = {
            "kind": letter.kind,
            "seq": letter.seq,
            "first_at": repr(letter.first_at),
            "last_at": repr(letter.last_at),
            "attempts": letter.attempts,
            **{name: _sendable(getattr(letter, name)) for name in _TEXTS},
        }
        if letter.event_reason is not None:
            headers["event_reason"] = _sendable(letter.event_reason)
        identity = _sendable(letter.id)
        properties = persistent(message_id=identity, headers=headers)
        if properties.message_id != identity:  # empty, or longer than AMQP allows
            headers["id"] = identity
        properties.timestamp = _timestamp(letter.last_at)
        return letter.payload, properties

    def decode(self, message: DeliveredMessage, key: str) -> DeadLetter:
        """Read a message, whoever wrote it: what is missing or strange becomes its default.

        Messages as the transports write them (header ``reason``) are publications.
        """
        properties = message.header.properties
        headers = properties.headers or {}
        reason = headers.get("event_reason")
        written = properties.timestamp.timestamp() if properties.timestamp else 0.0
        return DeadLetter(
            id=_text(headers, "id") if "id" in headers else properties.message_id or key,
            kind="event" if headers.get("kind") == "event" else "publication",
            payload=message.body,
            seq=_whole(headers.get("seq")),
            first_at=_seconds(headers.get("first_at"), written),
            last_at=_seconds(headers.get("last_at"), written),
            attempts=_whole(headers.get("attempts")),
            event_reason=reason if isinstance(reason, str) else None,
            **{name: _text(headers, name) for name in _TEXTS},
        )


def _sendable(text: str) -> str:
    """Return text that UTF-8 can carry; a lone surrogate is escaped."""
    return text.encode(errors="backslashreplace").decode()


def _timestamp(at: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(at), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _text(headers: Mapping[str, object], name: str) -> str:
    value = headers.get(name)
    if isinstance(value, str):
        return value
    return value.decode(errors="replace") if isinstance(value, bytes | bytearray) else ""


def _whole(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _seconds(value: object, written: float) -> float:
    """Return a time; where there is none, when the message was written."""
    try:
        return float(value) if isinstance(value, str | int | float) else written
    except ValueError:
        return written
