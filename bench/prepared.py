"""The bytes that the load generator sends, made once."""

from __future__ import annotations

import base64
import json
import os
from typing import Final

__all__ = ["FRAME_BYTES", "STAMP_AT", "USER", "masked", "publication", "publish_request", "upgrade"]

USER: Final = "bench"
"""The user id of every client that needs no token of its own."""

FRAME_BYTES: Final = 120
"""Size of the JSON text that clients receive for one publication."""

_STAMP: Final = "@" * 19  # the load generator writes its clock here
_ENVELOPE: Final = '{"type":"event","payload":'

STAMP_AT: Final = len(_ENVELOPE + '{"t":"')
"""Where in that text the time of publishing stands."""

_SHORT: Final = 125


def publication() -> bytes:
    """Return a publication to everybody, whose frame is `FRAME_BYTES` long."""
    payload = {"t": _STAMP, "text": ""}
    length = len(_ENVELOPE) + len(_compact(payload)) + 1
    payload["text"] = "x" * (FRAME_BYTES - length)
    return _compact({"subjects": [f"user:{USER}"], "payload": payload})


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def publish_request(path: str, headers: dict[str, str]) -> bytes:
    """Return the HTTP request that publishes `publication`."""
    body = publication()
    fields = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **headers,
    }
    return _head(f"POST {path} HTTP/1.1", fields) + body


def upgrade(target: str) -> bytes:
    """Return the request that opens a WebSocket at ``target``, a path with its query."""
    fields = {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
    }
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
