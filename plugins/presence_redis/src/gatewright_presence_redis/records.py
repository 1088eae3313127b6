"""Connections as they are written, and as they are read back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from gatewright import ConnectionInfo

__all__ = [
    "FIELDS",
    "Found",
    "decode_record",
    "decode_subjects",
    "encode_record",
    "hash_of",
    "read_hash",
]

FIELDS: Final = ("user_id", "subjects", "connected_at", "last_seen_at")
"""The fields that `read_hash` takes, in its order."""

_ENCODE: Final = msgspec.json.Encoder().encode
_RECORD: Final = msgspec.json.Decoder(ConnectionInfo)
_SUBJECTS: Final = msgspec.json.Decoder(list[str])


class Found(NamedTuple):
    """A connection that was read, and when it was last seen."""

    info: ConnectionInfo
    last_seen_at: float


def hash_of(info: ConnectionInfo, seen: int) -> tuple[str | bytes | int, ...]:
    """Return the contract's five fields, each before its value."""
    return (
        "connection_id",
        info.connection_id,
        "user_id",
        info.user_id,
        "subjects",
        _ENCODE(info.subjects),
        "connected_at",
        info.connected_at,
        "last_seen_at",
        seen,
    )


def read_hash(connection_id: str, values: Sequence[bytes | None]) -> Found | None:
    """Read `FIELDS` of a hash that anybody may have written; ``None``: it is no connection."""
    user_id, subjects, connected_at, last_seen_at = values
    seen = _number(last_seen_at)
    if user_id is None or seen is None:
        return None
    try:
        user = user_id.decode()
    except UnicodeDecodeError:
        return None
    connected = int(_number(connected_at) or 0)
    return Found(ConnectionInfo(connection_id, user, decode_subjects(subjects), connected), seen)


def decode_subjects(value: bytes | None) -> tuple[str, ...]:
    """Return the subjects of a hash; none where it holds no JSON array of texts."""
    try:
        return tuple(_SUBJECTS.decode(value or b"[]"))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ()


def encode_record(info: ConnectionInfo) -> bytes:
    """Return what a node keeps of a connection for those who may have to clean up."""
    return _ENCODE(info)


def decode_record(value: bytes) -> ConnectionInfo | None:
    """Read such a record; ``None``: it is none."""
    try:
        return _RECORD.decode(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _number(value: bytes | None) -> float | None:
    """Read a finite number; the hash may be anybody's."""
    try:
        number = float(value or b"")
    except ValueError:
        return None
    return number if abs(number) < 1e15 else None  # noqa: PLR2004 - neither inf nor nan passes
