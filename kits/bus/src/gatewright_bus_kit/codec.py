"""Messages of the bus as bytes.

::

    version (1 byte) | kind (1 byte) | length of the head (4 bytes) | head (msgpack) | payload

The payload of a publication follows its head byte for byte. Heads are arrays: a field that is added
at the end is skipped by older readers and has its default for newer ones; what cannot be read that
way gets a new kind, or a new version, which older nodes ignore.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import msgspec

from gatewright import Command, GatewrightError, Publication

__all__ = ["Answer", "Answers", "Beat", "Body", "Envelope", "Unreadable", "decode", "encode"]

VERSION: Final = 1

_PREFIX: Final = struct.Struct(">BBI")
_PUBLICATION: Final = 1
_COMMAND: Final = 2
_ANSWERS: Final = 3
_BEAT: Final = 4
_VERSION: Final = "version"
_KIND: Final = "kind"
_MALFORMED: Final = "malformed"


class Unreadable(GatewrightError):
    """Bytes that are no message this version knows.

    Attributes:
        reason: ``version`` or ``kind`` for what newer nodes may send, else ``malformed``.
    """

    def __init__(self, reason: Literal["version", "kind", "malformed"]) -> None:
        self.reason = reason
        super().__init__(reason)


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """How many connections of one node a counted message matched.

    Attributes:
        sender: The incarnation that sent the message.
        seq: That message's number.
        sent: How many matched.
    """

    sender: bytes
    seq: int
    sent: int


@dataclass(frozen=True, slots=True)
class Answers:
    """A node's answers to counted messages, those of one turn of its loop together."""

    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Beat:
    """A node's sign of life, to everybody and so to itself: the canary.

    Attributes:
        node: The node's id.
        number: Counts this incarnation's beats from 1.
        hello: Whether it has just come and wants to hear from the others at once.
        leaving: Whether it is its last.
        rival: Another incarnation that it heard using its own node id, or empty.
    """

    node: str
    number: int
    hello: bool = False
    leaving: bool = False
    rival: bytes = b""


Body: TypeAlias = Publication | Command | Answers | Beat


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message with what the bus knows of it.

    Attributes:
        sender: The incarnation that sent it: random bytes of one process's life.
        seq: Counts that sender's publications and commands from 1; 0 for the other kinds.
        body: The message.
        counted: Whether the sender waits for answers.
    """

    sender: bytes
    seq: int
    body: Body
    counted: bool = False


class _PublicationHead(msgspec.Struct, frozen=True, array_like=True, gc=False):
    sender: bytes
    seq: int
    counted: bool
    id: str | None
    source: str
    subjects: tuple[str, ...]


class _CommandHead(msgspec.Struct, frozen=True, array_like=True):
    sender: bytes
    seq: int
    counted: bool
    action: Literal["disconnect", "subjects"]
    user_id: str | None
    connection_id: str | None
    code: int
    reason: str
    add: tuple[str, ...]
    remove: tuple[str, ...]


class _AnswersHead(msgspec.Struct, frozen=True, array_like=True):
    sender: bytes
    answers: tuple[Answer, ...]


class _BeatHead(msgspec.Struct, frozen=True, array_like=True):
    sender: bytes
    node: str
    number: int
    hello: bool = False
    leaving: bool = False
    rival: bytes = b""


_encode: Final = msgspec.msgpack.Encoder().encode
_publication_head: Final = msgspec.msgpack.Decoder(_PublicationHead).decode
_command_head: Final = msgspec.msgpack.Decoder(_CommandHead).decode
_answers_head: Final = msgspec.msgpack.Decoder(_AnswersHead).decode
_beat_head: Final = msgspec.msgpack.Decoder(_BeatHead).decode


def encode(body: Body, *, sender: bytes, seq: int = 0, counted: bool = False) -> bytes:
    """Return a message as bytes.

    Raises:
        UnicodeEncodeError: A text in it cannot be written as UTF-8.
    """
    if isinstance(body, Publication):
        head = _encode(
            _PublicationHead(sender, seq, counted, body.id, body.source, tuple(body.subjects))
        )
        return b"".join((_PREFIX.pack(VERSION, _PUBLICATION, len(head)), head, body.payload))
    kind, record = _other_head(body, sender, seq, counted=counted)
    head = _encode(record)
    return _PREFIX.pack(VERSION, kind, len(head)) + head


def _other_head(
    body: Command | Answers | Beat, sender: bytes, seq: int, *, counted: bool
) -> tuple[int, msgspec.Struct]:
    if isinstance(body, Beat):
        return _BEAT, _BeatHead(
            sender, body.node, body.number, body.hello, body.leaving, body.rival
        )
    if isinstance(body, Answers):
        return _ANSWERS, _AnswersHead(sender, body.answers)
    return _COMMAND, _CommandHead(
        sender,
        seq,
        counted,
        body.action,
        body.user_id,
        body.connection_id,
        body.code,
        body.reason,
        tuple(body.add),
        tuple(body.remove),
    )


def decode(data: bytes) -> Envelope:
    """Return the message that bytes hold.

    Raises:
        Unreadable: They hold none, or one of a kind or version that this one does not know.
    """
    try:
        version, kind, length = _PREFIX.unpack_from(data)
    except struct.error:
        raise Unreadable(_MALFORMED) from None
    if version != VERSION:
        raise Unreadable(_VERSION)
    reader = _READERS.get(kind)
    if reader is None:
        raise Unreadable(_KIND)
    end = _PREFIX.size + length
    if end > len(data):
        raise Unreadable(_MALFORMED)
    try:
        return reader(data[_PREFIX.size : end], data[end:])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Unreadable(_MALFORMED) from None


def _read_publication(head: bytes, payload: bytes) -> Envelope:
    read = _publication_head(head)
    publication = Publication(read.subjects, payload, read.id, read.source)
    return Envelope(read.sender, read.seq, publication, read.counted)


def _read_command(head: bytes, _rest: bytes) -> Envelope:
    read = _command_head(head)
    command = Command(
        action=read.action,
        user_id=read.user_id,
        connection_id=read.connection_id,
        code=read.code,
        reason=read.reason,
        add=read.add,
        remove=read.remove,
    )
    return Envelope(read.sender, read.seq, command, read.counted)


def _read_answers(head: bytes, _rest: bytes) -> Envelope:
    read = _answers_head(head)
    return Envelope(read.sender, 0, Answers(read.answers))


def _read_beat(head: bytes, _rest: bytes) -> Envelope:
    read = _beat_head(head)
    beat = Beat(read.node, read.number, read.hello, read.leaving, read.rival)
    return Envelope(read.sender, 0, beat)


_READERS: Final = {
    _PUBLICATION: _read_publication,
    _COMMAND: _read_command,
    _ANSWERS: _read_answers,
    _BEAT: _read_beat,
}
