"""What one publish request holds: bytes to a key and publications, without I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from gatewright import InvalidPublication, Publication, PublicationLimits, parse_publication

__all__ = ["MAX_MESSAGES", "Head", "Submission", "read_head", "read_submission"]

MAX_MESSAGES: Final = 1000
"""Messages in one batch."""

_ABSENT: Final = msgspec.Raw(b"")


class Head(msgspec.Struct):
    """The fields that decide what a body is, undecoded; empty where one is absent."""

    api_key: msgspec.Raw = _ABSENT
    subjects: msgspec.Raw = _ABSENT
    payload: msgspec.Raw = _ABSENT
    messages: msgspec.Raw = _ABSENT

    @property
    def is_batch(self) -> bool:
        """Whether ``messages`` is meant; beside subjects or a payload it is an unknown field."""
        return bool(bytes(self.messages)) and not bytes(self.subjects) + bytes(self.payload)

    @property
    def key(self) -> bytes:
        """The key in the body; empty where there is none or it is no text."""
        try:
            return _TEXT.decode(self.api_key).encode()
        except (msgspec.DecodeError, UnicodeDecodeError):
            return b""


@dataclass(frozen=True, slots=True)
class Submission:
    """What a backend wants published by one request.

    Attributes:
        publications: All of them, checked, in the order they are to be published.
        is_batch: Whether the request has the batch form, whose answer differs.
    """

    publications: tuple[Publication, ...]
    is_batch: bool


_HEAD: Final = msgspec.json.Decoder(Head)
_TEXT: Final = msgspec.json.Decoder(str)
_MESSAGES: Final = msgspec.json.Decoder(list[msgspec.Raw])


def read_head(data: bytes) -> Head:
    """Read as much of a body as it takes to judge its key.

    Raises:
        InvalidPublication: It is not a JSON object.
    """
    try:
        return _HEAD.decode(data)
    except msgspec.ValidationError:
        msg = "must be a JSON object with subjects and payload"
        raise InvalidPublication(msg) from None
    except msgspec.DecodeError as error:
        msg = f"not strict JSON: {error}"
        raise InvalidPublication(msg) from None
    except RecursionError:
        msg = "nests too deep"
        raise InvalidPublication(msg) from None


def read_submission(
    data: bytes, head: Head, *, source: str, limits: PublicationLimits
) -> Submission:
    """Read everything that a body asks to publish; all of it is valid, or none is taken.

    Args:
        data: The body.
        head: What `read_head` found in it.
        source: Becomes `Publication.source`.
        limits: Bounds of each publication; its subjects also bound those of a whole batch.

    Raises:
        InvalidPublication: Something is wrong; in a batch the text names the message.
    """
    if not head.is_batch:
        return Submission((parse_publication(data, source=source, limits=limits),), is_batch=False)
    _require_utf8(data)
    publications = tuple(
        _read_message(index, bytes(message), source, limits)
        for index, message in enumerate(_read_messages(head.messages))
    )
    subjects = sum(len(publication.subjects) for publication in publications)
    if subjects > limits.max_subjects:
        msg = f"{subjects} subjects in the batch, the limit is {limits.max_subjects}"
        raise InvalidPublication(msg, reason="too_large")
    return Submission(publications, is_batch=True)


def _read_messages(raw: msgspec.Raw) -> list[msgspec.Raw]:
    try:
        messages = _MESSAGES.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        msg = "messages must be an array of objects"
        raise InvalidPublication(msg) from None
    if len(messages) > MAX_MESSAGES:
        msg = f"{len(messages)} messages, the limit is {MAX_MESSAGES}"
        raise InvalidPublication(msg, reason="too_large")
    return messages


def _read_message(index: int, data: bytes, source: str, limits: PublicationLimits) -> Publication:
    try:
        return parse_publication(data, source=source, limits=limits)
    except InvalidPublication as error:
        msg = f"messages[{index}]: {error.detail}"
        raise InvalidPublication(msg, reason=error.reason) from None


def _require_utf8(data: bytes) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        msg = f"not UTF-8 at byte {error.start}"
        raise InvalidPublication(msg) from None
