"""One dead letter as one line of JSON, its key and state in places of fixed width."""

from __future__ import annotations

import base64
import re
from dataclasses import asdict
from typing import Any, Final, Literal

import msgspec

from gatewright import DeadLetter, StoredDeadLetter

__all__ = [
    "NEW",
    "STATE_AT",
    "StateUnfit",
    "decode_line",
    "encode_line",
    "encode_state",
    "key_of",
    "state_of",
]

NEW: Final = b"new"
_KEY_DIGITS: Final = 16
_STATE_WIDTH: Final = 16
_HEAD: Final = re.compile(
    rb'\{"key":"(\d{%d})","state":"([!-~]{1,16}) *",' % _KEY_DIGITS,
)
STATE_AT: Final = len('{"key":"') + _KEY_DIGITS + len('","state":"')
_STATE: Final = re.compile(r"[!#-\[\]-~]{1,16}")
_ENCODE: Final = msgspec.json.Encoder().encode


class StateUnfit(ValueError):
    """A state does not fit its place in a line."""

    def __init__(self, state: str) -> None:
        self.state = state
        super().__init__(state)

    def __str__(self) -> str:
        return f"state {self.state!r} is not 1 to {_STATE_WIDTH} printable ASCII characters"


class _Line(msgspec.Struct, kw_only=True):
    """A dead letter as it stands in a line, behind its key and state."""

    id: str
    kind: Literal["event", "publication"]
    target: str
    reason: str
    type: str = ""
    connection_id: str = ""
    user_id: str = ""
    seq: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    attempts: int = 0
    error: str = ""
    event_reason: str | None = None
    encoding: Literal["text", "base64"]
    payload: str

    def letter(self) -> DeadLetter:
        fields = msgspec.structs.asdict(self)
        base64_encoded = fields.pop("encoding") == "base64"
        payload = self.payload.encode()
        if base64_encoded:
            payload = base64.b64decode(payload, validate=True)
        return DeadLetter(**{**fields, "payload": payload})


_DECODE: Final = msgspec.json.Decoder(_Line).decode


def encode_line(key: int, letter: DeadLetter) -> bytes:
    """Return the line of a new dead letter, with its line end."""
    fields: dict[str, Any] = asdict(letter)
    payload: bytes = fields.pop("payload")
    try:
        fields |= {"encoding": "text", "payload": payload.decode()}
    except UnicodeDecodeError:
        fields |= {"encoding": "base64", "payload": base64.b64encode(payload).decode()}
    try:
        rest = _ENCODE(fields)
    except UnicodeEncodeError:
        rest = _ENCODE({name: _encodable(value) for name, value in fields.items()})
    head = b'{"key":"%0*d","state":"%-*b",' % (_KEY_DIGITS, key, _STATE_WIDTH, NEW)
    return head + rest[1:] + b"\n"


def encode_state(state: str) -> bytes:
    """Return a state as it is written at `STATE_AT`.

    Raises:
        StateUnfit: It is too long, or holds what would have to be escaped.
    """
    if _STATE.fullmatch(state) is None:
        raise StateUnfit(state)
    return state.encode().ljust(_STATE_WIDTH)


def key_of(line: bytes) -> int | None:
    """Return the key of a line, or ``None`` where it has none."""
    head = _HEAD.match(line)
    return int(head[1]) if head is not None else None


def state_of(line: bytes) -> bytes | None:
    """Return the state of a line, or ``None`` where it has none."""
    head = _HEAD.match(line)
    return head[2] if head is not None else None


def decode_line(line: bytes) -> StoredDeadLetter | None:
    """Return the record of a line, or ``None`` where it cannot be read."""
    head = _HEAD.match(line)
    if head is None:
        return None
    try:
        letter = _DECODE(line).letter()
    except ValueError:
        return None
    return StoredDeadLetter(str(int(head[1])), letter, head[2].decode())


def _encodable(value: object) -> object:
    """Escape lone surrogates, which no JSON text may hold."""
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value
