"""permessage-deflate (RFC 7692), without anything kept from one message to the next.

Both sides agree to forget (``server_no_context_takeover``, ``client_no_context_takeover``, section
7.1.1), so a connection costs no memory for it, and what is compressed once suits everybody. The
server's window is small enough for clients that ask for little (section 7.1.2.1).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Final

from gatewright.wire.frames import Binary, Frame, Message, Packed
from gatewright.wire.websocket import RSV1, head

__all__ = ["Deflate", "TooLong", "agreed", "inflated", "longest_deflated"]

WINDOW_BITS: Final = 12
"""Base-2 logarithm of the server's window: 4 KiB."""

MEMORY_LEVEL: Final = 5
"""How much memory zlib takes for its hash table; more makes no message smaller in this window."""

_NAME: Final = "permessage-deflate"
_FORGETFUL: Final = f"{_NAME}; server_no_context_takeover; client_no_context_takeover"
_WINDOWS: Final = frozenset(str(bits) for bits in range(8, 16))
_TAIL: Final = b"\x00\x00\xff\xff"  # an empty block ends each message and is left out (7.2.1)
_AFTER_LAST_BLOCK: Final = frozenset({b"", _TAIL, b"\x00" + _TAIL})
_INFLATER_BITS: Final = -15  # the client may use the whole window


class TooLong(Exception):
    """A message inflates to more than is allowed; nothing beyond that was inflated."""


class Deflate:
    """Compresses messages, each once, whoever gets it.

    Args:
        level: zlib's, 1 to 9.
        min_bytes: Shorter messages stay as they are.
    """

    __slots__ = ("_level", "_min_bytes")

    def __init__(self, level: int, min_bytes: int) -> None:
        self._level = level
        self._min_bytes = min_bytes

    def packed(self, message: Message) -> Packed:
        """Return what is written for ``message`` to whom this extension was agreed with."""
        packed = message.packed
        if packed is None:
            packed = message.packed = Packed(self._wire(message))
        return packed

    def _wire(self, message: Message) -> bytes:
        if isinstance(message, Frame | Binary):
            return self._one(message)
        return b"".join([self.packed(frame).wire for frame in message.frames])

    def _one(self, message: Frame | Binary) -> bytes:
        payload = message.payload
        if len(payload) < self._min_bytes:
            return message.wire
        deflate = zlib.compressobj(self._level, zlib.DEFLATED, -WINDOW_BITS, MEMORY_LEVEL)
        data = deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH)
        size = len(data) - len(_TAIL)
        if size >= len(payload):
            return message.wire
        return head(size, message.wire[0] | RSV1) + data[:size]


def inflated(data: bytes, most: int) -> bytes:
    """Return what a whole message was before the client compressed it (section 7.2.2).

    Args:
        data: The message, its frames joined.
        most: The largest message, in bytes; no more than one beyond it is ever inflated.

    Raises:
        TooLong: It is larger.
        ValueError: It is not what deflate makes.
    """
    inflate = zlib.decompressobj(_INFLATER_BITS)
    try:
        message = inflate.decompress(data + _TAIL, most + 1)
    except zlib.error:
        problem = "not deflated"
        raise ValueError(problem) from None
    if len(message) > most:
        raise TooLong
    if inflate.eof and inflate.unused_data not in _AFTER_LAST_BLOCK:
        problem = "something after the last block"
        raise ValueError(problem)
    return message


def longest_deflated(most: int) -> int:
    """Return how many bytes a message of up to ``most`` bytes may come in.

    What cannot be compressed grows by some bytes for each of deflate's blocks.
    """
    return most + most // 16 + 64


def agreed(offers: Iterable[str]) -> str | None:
    """Return the answer to a client's ``Sec-WebSocket-Extensions``, or ``None``: nothing is agreed.

    The first offer that can be taken is (RFC 7692, section 5); one that is malformed, or asks for
    a smaller window than ours, is passed over (section 7.1).

    Args:
        offers: The header's values, in their order.
    """
    for offer in ",".join(offers).split(","):
        name, *parameters = (part.strip() for part in offer.split(";"))
        if name == _NAME and (answer := _answer(parameters)) is not None:
            return answer
    return None


def _answer(parameters: Sequence[str]) -> str | None:
    asked: dict[str, str | None] = {}
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        name, value = name.strip(), value.strip()
        if name in asked:
            return None
        asked[name] = _unquoted(value) if equals else None
    if not all(_is_known(name, value) for name, value in asked.items()):
        return None
    window = asked.get("server_max_window_bits")
    if window is None:
        return _FORGETFUL
    if int(window) < WINDOW_BITS:
        return None
    return f"{_FORGETFUL}; server_max_window_bits={WINDOW_BITS}"


def _unquoted(value: str) -> str:
    """A value may be quoted, and means the same then (RFC 6455, section 9.1)."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _is_known(name: str, value: str | None) -> bool:
    if name in {"server_no_context_takeover", "client_no_context_takeover"}:
        return value is None
    if name == "client_max_window_bits" and value is None:
        return True
    return name in {"client_max_window_bits", "server_max_window_bits"} and value in _WINDOWS
