"""What the gateway tells backends: events as JSON, each encoded once for all sinks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from gatewright.model import Event

if TYPE_CHECKING:
    from gatewright.model import ConnectionInfo, EventType

__all__ = [
    "connection_fields",
    "extended_body",
    "lost_event",
    "message_body",
    "plain_body",
    "raw_message_body",
]

_ENCODE: Final = msgspec.json.Encoder().encode


def connection_fields(connection: ConnectionInfo) -> bytes:
    """Encode the fields all events of a connection share, to be kept until its subjects change."""
    fields = _ENCODE(
        {
            "connection_id": connection.connection_id,
            "user_id": connection.user_id,
            "subjects": connection.subjects,
            "connected_at": connection.connected_at,
        }
    )
    return fields[1:-1]


def plain_body(event_type: EventType, fields: bytes) -> bytes:
    """Build the body of ``connected`` or ``disconnected``."""
    return b'{"type":"%b",%b}' % (event_type.encode(), fields)


def message_body(fields: bytes, text: str) -> bytes:
    """Build ``message_received`` for a text that is itself a JSON object."""
    return b'{"type":"message_received",%b,"message":%b,"raw":%b}' % (
        fields,
        text.encode(),
        _ENCODE(text),
    )


def raw_message_body(fields: bytes, text: str) -> bytes:
    """Build ``message_received`` for a text that is forwarded as text."""
    raw = _ENCODE(text)
    return b'{"type":"message_received",%b,"message":{"type":"raw","payload":%b},"raw":%b}' % (
        fields,
        raw,
        raw,
    )


def lost_event(connection: ConnectionInfo, now: float) -> Event:
    """Build the ``disconnected`` of a connection whose node is gone: one id, whoever says it."""
    return Event(
        type="disconnected",
        id=f"{connection.connection_id}-lost",
        seq=0,
        connection_id=connection.connection_id,
        user_id=connection.user_id,
        body=plain_body("disconnected", connection_fields(connection)),
        occurred_at=now,
        reason="node_lost",
    )


def extended_body(event: Event) -> bytes:
    """Return the body with ``id`` and, where there are, ``seq`` and ``reason`` inside it."""
    beside: dict[str, str | int] = {"id": event.id}
    if event.seq:
        beside["seq"] = event.seq
    if event.reason is not None:
        beside["reason"] = event.reason
    return b"%b,%b" % (event.body[:-1], _ENCODE(beside)[1:])
