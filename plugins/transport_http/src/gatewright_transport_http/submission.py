"""What one publish request holds: bytes to a key and publications, without I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from gatewright import InvalidPublication, Publication, PublicationLimits, parse_publication
from gatewright_transport_http.head import ABSENT, KeyedHead, decode_head, require_utf8

__all__ = ["MAX_MESSAGES", "Head", "Submission", "read_head", "read_submission"]

MAX_MESSAGES: Final = 1000
"""Messages in one batch."""


class Head(KeyedHead):
    """The fields that decide what a body is, undecoded; empty where one is absent."""

    subjects: msgspec.Raw = ABSENT
    payload: msgspec.Raw = ABSENT
    messages: msgspec.Raw = ABSENT

    @property
    def is_batch(self) -> bool:
        """Whether ``messages`` is meant; beside subjects or a payload it is an unknown field."""
        return bool(bytes(self.messages)) and not bytes(self.subjects) + bytes(self.payload)


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
_MESSAGES: Final = msgspec.json.Decoder(list[msgspec.Raw])


def read_head(data: bytes) -> Head:
    """Read as much of a body as it takes to judge its key.

    Raises:
        InvalidPublication: It is not a JSON object.
    """
    return decode_head(_HEAD, data, "a JSON object with subjects and payload")


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
    require_utf8(data)
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
