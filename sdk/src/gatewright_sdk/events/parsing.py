"""From the bytes that a gateway sent to an event."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from gatewright_sdk.errors import InvalidEvent
from gatewright_sdk.model import Connected, Delivery, Disconnected, Event, MessageReceived

__all__ = ["parse_event"]

_KINDS: Final[dict[str, type[Event]]] = {
    "connected": Connected,
    "message_received": MessageReceived,
    "disconnected": Disconnected,
}
_NAMES: Final = {dict: "an object", list: "an array", str: "a text", bool: "a boolean"}


def parse_event(body: bytes | str, delivery: Delivery) -> Event | None:
    """Read one event.

    Fields that are not known are ignored, as are events of a type that is not known: gateways may
    send more than this version knows, such as the ``ping`` of ``gatewright doctor``.

    Args:
        body: JSON, as it came.
        delivery: How it came; see the attribute `Event.delivery`.

    Returns:
        The event, or None for one of an unknown type.

    Raises:
        InvalidEvent: It is no JSON object with a type, or one of a known type whose fields are not
            as agreed. The text names the field, and repeats nothing of the body.
    """
    fields = _object(body)
    kind = _KINDS.get(_known(fields, "type", str))
    if kind is None:
        return None
    more: dict[str, Any] = {}
    if kind is MessageReceived:
        more = {"message": _known(fields, "message", dict), "raw": _known(fields, "raw", str)}
    return kind(
        connection_id=_named(fields, "connection_id"),
        user_id=_named(fields, "user_id"),
        subjects=_subjects(fields),
        connected_at=_known(fields, "connected_at", int),
        delivery=delivery,
        **more,
    )


def _object(body: bytes | str) -> dict[str, Any]:
    try:
        text = body.decode() if isinstance(body, bytes) else body
        found = json.loads(text, parse_constant=_no_constant)
    except UnicodeDecodeError:
        msg = "an event must be UTF-8, found other bytes"
        raise InvalidEvent(msg) from None
    except (ValueError, RecursionError) as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        msg = f"an event must be JSON, found something else{where}"
        raise InvalidEvent(msg) from None
    if not isinstance(found, dict):
        msg = f"an event must be a JSON object, found {_found(found)}"
        raise InvalidEvent(msg)
    return found


def _no_constant(_name: str) -> NoReturn:
    raise ValueError  # NaN and Infinity are Python's, not JSON's


def _known(fields: dict[str, Any], name: str, kind: type) -> Any:  # noqa: ANN401 - JSON
    value = fields.get(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        expected = "an integer" if kind is int else _NAMES[kind]
        found = _found(value) if name in fields else "nothing"
        msg = f"field {name!r} of an event must be {expected}, found {found}"
        raise InvalidEvent(msg)
    return value


def _named(fields: dict[str, Any], name: str) -> str:
    value: str = _known(fields, name, str)
    if not value:
        msg = f"field {name!r} of an event must not be empty"
        raise InvalidEvent(msg)
    return value


def _subjects(fields: dict[str, Any]) -> tuple[str, ...]:
    subjects: list[Any] = _known(fields, "subjects", list)
    for subject in subjects:
        if not isinstance(subject, str):
            msg = f"field 'subjects' of an event must hold texts, found {_found(subject)}"
            raise InvalidEvent(msg)
    return tuple(subjects)


def _found(value: object) -> str:
    if value is None:
        return "null"
    return _NAMES.get(type(value), "a number")
