"""What a command asks for: bytes to `Command`, without I/O."""

from __future__ import annotations

import unicodedata
from typing import Final, TypeVar

import msgspec

from gatewright import (
    Command,
    InvalidPublication,
    PublicationLimits,
    is_subject,
    is_user_id,
    user_subject,
)
from gatewright_transport_http.head import ABSENT, KeyedHead, decode_head, require_utf8

__all__ = [
    "DisconnectHead",
    "SubjectsHead",
    "read_disconnect",
    "read_disconnect_head",
    "read_subjects",
    "read_subjects_head",
]

MAX_REASON_BYTES: Final = 123
"""What a close frame has room for."""

_USER: Final = "user:"
_SENDABLE: Final = (range(1000, 1004), range(1007, 1015), range(3000, 5000))


class _Addressed(KeyedHead):
    """Whom a command is for; exactly one of the two."""

    user_id: msgspec.Raw = ABSENT
    connection_id: msgspec.Raw = ABSENT


class SubjectsHead(_Addressed):
    """The fields of ``POST /internal/subjects``."""

    add: msgspec.Raw = ABSENT
    remove: msgspec.Raw = ABSENT


class DisconnectHead(_Addressed):
    """The fields of ``POST /internal/disconnect``."""

    code: msgspec.Raw = ABSENT
    reason: msgspec.Raw = ABSENT


class _WrongType(Exception):
    """A field does not hold what it should."""


T = TypeVar("T")

_SUBJECTS_HEAD: Final = msgspec.json.Decoder(SubjectsHead)
_DISCONNECT_HEAD: Final = msgspec.json.Decoder(DisconnectHead)
_ID: Final[msgspec.json.Decoder[int | str | None]] = msgspec.json.Decoder(int | str | None)
_NAMES: Final[msgspec.json.Decoder[list[str] | None]] = msgspec.json.Decoder(list[str] | None)
_CODE: Final[msgspec.json.Decoder[int | None]] = msgspec.json.Decoder(int | None)
_TEXT: Final[msgspec.json.Decoder[str | None]] = msgspec.json.Decoder(str | None)


def read_subjects_head(data: bytes) -> SubjectsHead:
    """Read the fields of a change of subjects; raises `InvalidPublication`."""
    shape = "a JSON object with user_id or connection_id, and add or remove"
    return decode_head(_SUBJECTS_HEAD, data, shape)


def read_disconnect_head(data: bytes) -> DisconnectHead:
    """Read the fields of a disconnect; raises `InvalidPublication`."""
    return decode_head(_DISCONNECT_HEAD, data, "a JSON object with user_id or connection_id")


def read_subjects(data: bytes, head: SubjectsHead, limits: PublicationLimits) -> Command:
    """Read which subjects whose connections are to gain and to lose.

    Raises:
        InvalidPublication: Something is wrong, or it is too much; nothing is to be done.
    """
    require_utf8(data)
    user_id, connection_id = _whom(head)
    add, remove = _names("add", head.add), _names("remove", head.remove)
    if not add and not remove:
        msg = "one of add and remove must name a subject"
        raise InvalidPublication(msg)
    if (subjects := len(add) + len(remove)) > limits.max_subjects:
        msg = f"{subjects} subjects, the limit is {limits.max_subjects}"
        raise InvalidPublication(msg, reason="too_large")
    own = None if user_id is None else user_subject(user_id)
    _check_names("add", add, own)
    _check_names("remove", remove, None)
    return Command("subjects", user_id=user_id, connection_id=connection_id, add=add, remove=remove)


def read_disconnect(data: bytes, head: DisconnectHead) -> Command:
    """Read whose connections are to be closed, and how.

    Raises:
        InvalidPublication: Something is wrong; nothing is to be done.
    """
    require_utf8(data)
    user_id, connection_id = _whom(head)
    return Command(
        "disconnect",
        user_id=user_id,
        connection_id=connection_id,
        code=_code(head.code),
        reason=_reason(head.reason),
    )


def _whom(head: _Addressed) -> tuple[str | None, str | None]:
    user_id = _id("user_id", head.user_id)
    connection_id = _id("connection_id", head.connection_id)
    if (user_id is None) == (connection_id is None):
        msg = "exactly one of user_id and connection_id must be given"
        raise InvalidPublication(msg)
    return user_id, connection_id


def _decoded(decoder: msgspec.json.Decoder[T], raw: msgspec.Raw) -> T | None:
    """Decode one field; absent is the same as null."""
    if raw == ABSENT:
        return None
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        raise _WrongType from None


def _id(field: str, raw: msgspec.Raw) -> str | None:
    """Read an id; a number is taken as text, as it is in a token."""
    try:
        value = _decoded(_ID, raw)
    except _WrongType:
        value = ""
    if value is None:
        return None
    if not is_user_id(text := str(value)):
        msg = f"{field} must be text of 1 to 512 bytes without control characters"
        raise InvalidPublication(msg)
    return text


def _names(field: str, raw: msgspec.Raw) -> tuple[str, ...]:
    try:
        return tuple(dict.fromkeys(_decoded(_NAMES, raw) or ()))
    except _WrongType:
        msg = f"{field} must be an array of strings"
        raise InvalidPublication(msg) from None


def _check_names(field: str, names: tuple[str, ...], own: str | None) -> None:
    """Refuse what no connection can hear, and what would make it hear, or be, somebody else.

    Args:
        field: What is checked.
        names: The subjects.
        own: The ``user:`` subject that may be named, since every connection has it anyway.
    """
    for index, name in enumerate(names):
        if not is_subject(name):
            msg = f"{field}[{index}] must have 1 to 1024 bytes and no control characters"
            raise InvalidPublication(msg)
        if name.startswith(_USER) and name != own:
            why = "cannot be added for another user" if field == "add" else "cannot be removed"
            msg = f"{field}[{index}]: a user: subject {why}"
            raise InvalidPublication(msg)


def _code(raw: msgspec.Raw) -> int:
    try:
        code = _decoded(_CODE, raw)
    except _WrongType:
        code = 0
    if code is None:
        return 1000
    if not any(code in codes for codes in _SENDABLE):
        msg = "code must be 1000 to 1003, 1007 to 1014 or 3000 to 4999"
        raise InvalidPublication(msg)
    return code


def _reason(raw: msgspec.Raw) -> str:
    try:
        reason = _decoded(_TEXT, raw) or ""
    except _WrongType:
        msg = "reason must be text"
        raise InvalidPublication(msg) from None
    if len(reason.encode()) > MAX_REASON_BYTES or any(map(_is_control, reason)):
        msg = f"reason must have at most {MAX_REASON_BYTES} bytes and no control characters"
        raise InvalidPublication(msg)
    return reason


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc"
