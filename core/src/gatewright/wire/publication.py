"""What backends publish: bytes to `Publication`, by the wire contract."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from gatewright.errors import InvalidPublication
from gatewright.model import Publication
from gatewright.wire.strict import MAX_NESTING, nests_deeper_than, utf8_error

__all__ = ["PublicationLimits", "check_publication", "parse_publication"]

MAX_ID_BYTES = 512


@dataclass(frozen=True, slots=True)
class PublicationLimits:
    """How large one publication may be, on every transport.

    Attributes:
        max_bytes: Bytes of the whole message as published.
        max_subjects: Entries in ``subjects``.
    """

    max_bytes: int = 1_048_576
    max_subjects: int = 10_000


class _Envelope(msgspec.Struct):
    subjects: msgspec.Raw = msgspec.Raw(b"[]")
    payload: msgspec.Raw = msgspec.Raw(b"null")
    id: msgspec.Raw = msgspec.Raw(b"null")


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_SUBJECTS = msgspec.json.Decoder(list[str])
_TEXT = msgspec.json.Decoder(str | None)
_DEFAULT_LIMITS = PublicationLimits()


def parse_publication(
    data: bytes, *, source: str = "", limits: PublicationLimits = _DEFAULT_LIMITS
) -> Publication:
    """Read ``{"subjects": [...], "payload": ...}`` as a backend published it.

    The payload keeps its bytes. Unknown fields are ignored, a missing payload is ``null``, missing
    subjects reach nobody, and a subject named twice counts once.

    Args:
        data: The message, UTF-8 JSON.
        source: Where it came in; becomes `Publication.source`.
        limits: The bounds to hold it to.

    Raises:
        InvalidPublication: It is no such object (``parse_error``), or it is beyond a limit
            (``too_large``). The text says which and never repeats the payload.
    """
    if len(data) > limits.max_bytes:
        msg = f"{len(data)} bytes, the limit is {limits.max_bytes}"
        raise InvalidPublication(msg, reason="too_large")
    if (where := utf8_error(data)) is not None:
        raise InvalidPublication(where)
    envelope = _decode(data)
    payload = bytes(envelope.payload)
    if nests_deeper_than(payload):
        msg = f"payload nests deeper than {MAX_NESTING} levels"
        raise InvalidPublication(msg)
    publication = Publication(_subjects(envelope.subjects), payload, _id(envelope.id), source)
    check_publication(publication, limits)
    return publication


def check_publication(publication: Publication, limits: PublicationLimits) -> None:
    """Hold a publication that is already a value to ``limits``.

    Raises:
        InvalidPublication: It has too many subjects or too large a payload.
    """
    if len(publication.subjects) > limits.max_subjects:
        msg = f"{len(publication.subjects)} subjects, the limit is {limits.max_subjects}"
        raise InvalidPublication(msg, reason="too_large")
    if len(publication.payload) > limits.max_bytes:
        msg = f"payload of {len(publication.payload)} bytes, the limit is {limits.max_bytes}"
        raise InvalidPublication(msg, reason="too_large")


def _decode(data: bytes) -> _Envelope:
    try:
        return _ENVELOPE.decode(data)
    except msgspec.ValidationError:
        msg = "must be a JSON object with subjects and payload"
        raise InvalidPublication(msg) from None
    except msgspec.DecodeError as error:
        msg = f"not strict JSON: {error}"
        raise InvalidPublication(msg) from None
    except RecursionError:
        msg = f"nests deeper than {MAX_NESTING} levels"
        raise InvalidPublication(msg) from None


def _subjects(raw: msgspec.Raw) -> tuple[str, ...]:
    try:
        subjects = _SUBJECTS.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        msg = "subjects must be an array of strings"
        raise InvalidPublication(msg) from None
    return tuple(dict.fromkeys(subjects))


def _id(raw: msgspec.Raw) -> str | None:
    try:
        value: str | None = _TEXT.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        value = ""
    if value is not None and not 0 < len(value.encode()) <= MAX_ID_BYTES:
        msg = f"id must be text of 1 to {MAX_ID_BYTES} bytes"
        raise InvalidPublication(msg)
    return value
