"""The bytes that the load generator sends, made once."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

__all__ = [
    "FRAME_BYTES",
    "PLAIN",
    "USER",
    "Dialect",
    "Word",
    "masked",
    "publication",
    "publish_request",
    "upgrade",
    "users",
]

USER: Final = "bench"
"""The user id of every client that needs no token of its own."""

FRAME_BYTES: Final = 120
"""Size of the text that clients receive for one publication, from every server."""

_STAMP: Final = "@" * 19  # the load generator writes its clock here
_PAYLOAD: Final = '{"t":"'
_SHORT: Final = 125

Word = Literal["ping", "message"]
"""What clients say: something that is answered, or something that is not."""


@dataclass(frozen=True)
class Dialect:
    """What messages look like to one server.

    Attributes:
        before: What stands before the payload in the text that clients receive.
        after: What stands behind it there.
        publishes_text: Whether publishers send that text as it is, instead of subjects and payload.
        ping: What a client sends to be answered.
        message: What a client sends without being answered.
        greeting: What a client sends first, before it hears publications; empty: nothing.
        welcome: How the answer to the greeting begins.
        counted: How the texts begin that are deliveries and replies; others are passed over.
    """

    before: str = '{"type":"event","payload":'
    after: str = "}"
    publishes_text: bool = False
    ping: str = '{"type":"ping"}'
    message: str = '{"type":"chat","room":"bench","text":"sixteen of these, then a ping"}'
    greeting: str = ""
    welcome: str = ""
    counted: str = ""

    @property
    def stamp_at(self) -> int:
        """Where in the text that clients receive the time of publishing stands."""
        return len(self.before + _PAYLOAD)

    def burst(self, words: Sequence[Word]) -> bytes:
        """Return the frames in which a client says these words."""
        texts = {"ping": self.ping, "message": self.message}
        return b"".join(masked(texts[word]) for word in words)


PLAIN: Final = Dialect()
"""The gateway's own messages, which peers without a protocol of their own speak as well."""


def users(count: int) -> list[str]:
    """Return ids of so many users."""
    return [f"{USER}-{number}" for number in range(count)]


def publication(dialect: Dialect, addressees: Sequence[str] = (USER,)) -> bytes:
    """Return a publication to these users, whose text is `FRAME_BYTES` long at each client."""
    payload = {"t": _STAMP, "text": ""}
    around = len(dialect.before + dialect.after)
    payload["text"] = "x" * (FRAME_BYTES - around - len(_compact(payload)))
    if dialect.publishes_text:
        return (dialect.before + _compact(payload) + dialect.after).encode()
    subjects = [f"user:{user}" for user in addressees]
    return _compact({"subjects": subjects, "payload": payload}).encode()


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def publish_request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """Return the HTTP request that publishes ``body``."""
    fields = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **headers,
    }
    return _head(f"POST {path} HTTP/1.1", fields) + body


def upgrade(target: str, extensions: str = "") -> bytes:
    """Return the request that opens a WebSocket at ``target``, a path with its query."""
    fields = {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
    }
    if extensions:
        fields["Sec-WebSocket-Extensions"] = extensions
    return _head(f"GET {target} HTTP/1.1", fields)


def _head(first: str, fields: dict[str, str]) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode()


def masked(text: str) -> bytes:
    """Return the frame a client sends for a short text."""
    data = text.encode()
    assert len(data) <= _SHORT, "only short messages are prepared"
    mask = os.urandom(4)
    body = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
    return bytes((0x81, 0x80 | len(data))) + mask + body
