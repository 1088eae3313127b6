"""WebSocket frames as a server sends them, and the handshake's answer (RFC 6455)."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable
from importlib import import_module
from typing import Final

__all__ = [
    "BINARY",
    "CLOSE",
    "CONTINUATION",
    "FIN",
    "NO_STATUS",
    "PING",
    "PONG",
    "RSV1",
    "TEXT",
    "accept_key",
    "close_frame",
    "frame",
    "head",
    "is_close_code",
    "unmasked",
]

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

FIN: Final = 0x80
RSV1: Final = 0x40
"""On a message's first frame: it is compressed (RFC 7692, section 6)."""

NO_STATUS: Final = 1005
"""A close frame came that bore no code; never sent (section 7.4.1)."""

LONGEST_REASON: Final = 123
"""Bytes of a reason that fit into a close frame beside its code (section 5.5)."""

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SHORT: Final = 126
_LONG: Final = 65536
_ASSIGNED: Final = frozenset(
    {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014}
)
_FREE: Final = range(3000, 5000)


def _masked(data: bytes, mask: bytes) -> bytes:
    size = len(data)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "little")
    return (int.from_bytes(data, "little") ^ key).to_bytes(size, "little")


def _fastest() -> Callable[[bytes, bytes], bytes]:
    try:
        fast: Callable[[bytes, bytes], bytes] = import_module("websockets.speedups").apply_mask
    except ImportError:  # a build of it without the extension
        return _masked
    return fast


unmasked: Final = _fastest()
"""Returns data without its mask of four bytes, or with it (section 5.3)."""


def head(size: int, first: int = FIN | TEXT) -> bytes:
    """Return the head of an unmasked frame whose payload has ``size`` bytes (section 5.2)."""
    if size < _SHORT:
        return bytes((first, size))
    if size < _LONG:
        return bytes((first, 126)) + size.to_bytes(2, "big")
    return bytes((first, 127)) + size.to_bytes(8, "big")


def frame(opcode: int, payload: bytes = b"") -> bytes:
    """Return a whole, unmasked frame."""
    return head(len(payload), FIN | opcode) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """Return a close frame; `NO_STATUS` makes one without a code, a long reason is cut."""
    if code == NO_STATUS:
        return frame(CLOSE)
    text = reason.encode()[:LONGEST_REASON].decode(errors="ignore")
    return frame(CLOSE, code.to_bytes(2, "big") + text.encode())


def is_close_code(code: int) -> bool:
    """Return whether an endpoint may send ``code`` (section 7.4)."""
    return code in _ASSIGNED or code in _FREE


def accept_key(key: bytes) -> bytes:
    """Return what ``Sec-WebSocket-Accept`` answers to a ``Sec-WebSocket-Key`` (section 4.2.2)."""
    return b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
