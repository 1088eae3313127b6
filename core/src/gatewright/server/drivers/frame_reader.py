"""Bytes of a WebSocket client in, messages out; no buffer while there is nothing to wait for."""

from __future__ import annotations

import asyncio
import codecs
from typing import ClassVar, Final

from gatewright.wire.close_codes import INVALID_DATA, PROTOCOL_ERROR, TOO_BIG
from gatewright.wire.deflate import TooLong, inflated, longest_deflated
from gatewright.wire.websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    NO_STATUS,
    PING,
    PONG,
    RSV1,
    TEXT,
    is_close_code,
    unmasked,
)

__all__ = ["CLOSING", "DEAF", "OPEN", "RESERVED", "FrameReader", "Violation"]

OPEN: Final = 0
"""Everything is taken."""

CLOSING: Final = 1
"""This side has sent a close frame: only the peer's own is of interest."""

DEAF: Final = 2
"""Nothing is: what comes in is dropped."""

RESERVED: Final = 0x70
"""The bits of a frame's first byte that mean nothing unless an extension says so (section 5.2)."""

LATE_BYTES: Final = 64 * 1024
"""How much is still parsed, for the peer's close frame, once this side has closed."""

_SHORTEST: Final = 6  # head and mask of a frame with up to 125 bytes
_EXTENDED: Final = {126: 8, 127: 14}
_MASKED: Final = 0x80
_OPCODE: Final = 0x0F
_WHOLE_TEXT: Final = FIN | TEXT
_MOST_SHORT: Final = 125
_LEAST_LONG: Final = 65536
_FIRST: Final = frozenset({TEXT, BINARY})
_DATA: Final = _FIRST | {CONTINUATION}
_CONTROL: Final = frozenset({CLOSE, PING, PONG})
_utf8 = codecs.getincrementaldecoder("utf-8")


class Violation(Exception):
    """What the client sent is not allowed.

    Attributes:
        code: The close code that says so.
        reason: And the words.
    """

    def __init__(self, code: int, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(code, reason)


class _Fragments:
    """A message of which some frames are here. Empty ones leave nothing behind.

    Attributes:
        first: The first byte of its first frame.
        data: What is here.
    """

    __slots__ = ("_checks", "data", "first")

    def __init__(self, first: int) -> None:
        plain_text = first & (_OPCODE | RSV1) == TEXT
        self._checks = _utf8() if plain_text else None
        self.first = first
        self.data = bytearray()

    def add(self, payload: bytes, *, last: bool) -> None:
        """Take one frame's payload; text that is no UTF-8 is found in its first frame."""
        if self._checks is not None:
            self._checks.decode(payload, last)
        self.data += payload


class FrameReader(asyncio.Protocol):
    """The receiving half of a WebSocket server (RFC 6455, sections 5 to 7).

    Subclasses take what was read in `on_text` and its siblings. None of them may raise; each may
    call `stop` or set ``reading``, which holds from the next frame on.

    Attributes:
        reserved: Bits of a frame's first byte that must not be set. Without RSV1 among them,
            messages may be compressed.
        heard: Set whenever bytes come in; for keepalive, which clears it.
    """

    reserved: ClassVar[int] = RESERVED

    __slots__ = (
        "_fragments",
        "_late",
        "_max_bytes",
        "_most_short",
        "_need",
        "_reading",
        "_tail",
        "heard",
        "paused",
    )

    def __init__(self, max_bytes: int) -> None:
        """Begin after the handshake.

        Args:
            max_bytes: The largest message, whatever its frames.
        """
        self._max_bytes = max_bytes
        self._most_short = _MASKED + min(max_bytes, _MOST_SHORT)
        self._tail: bytearray | None = None  # an unfinished frame, or what came while paused
        self._need = 0
        self._fragments: _Fragments | None = None
        self._reading = OPEN
        self._late = 0
        self.heard = False
        self.paused = False

    # -- for subclasses --------------------------------------------------------------------------

    def on_text(self, text: str) -> None:
        """Take a text message."""
        raise NotImplementedError

    def on_binary(self, data: bytes) -> None:
        """Take a binary message."""
        raise NotImplementedError

    def on_ping(self, payload: bytes) -> None:
        """Take a ping."""
        raise NotImplementedError

    def on_part(self) -> None:
        """Take note of a pong, or of a frame that does not end its message."""
        raise NotImplementedError

    def on_close(self, code: int, reason: str) -> None:
        """Take the peer's close frame; nothing is read any more."""
        raise NotImplementedError

    def on_violation(self, violation: Violation) -> None:
        """Take what went wrong; nothing is read any more but a close frame."""
        raise NotImplementedError

    # -- the transport's side ----------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Take bytes from the transport; see `asyncio.Protocol`."""
        self.heard = True
        tail = self._tail
        if self._reading != OPEN and self._is_late(data):
            return
        if tail is None:
            # What most clients send most of the time: one whole short text.
            if (
                len(data) >= _SHORTEST
                and data[0] == _WHOLE_TEXT
                and len(data) == data[1] - _MASKED + _SHORTEST
                and data[1] <= self._most_short
                and self._fragments is None
                and self._reading == OPEN
                and not self.paused
            ):
                self._whole_text(data)
            else:
                self._read(data)
        else:
            tail += data
            if len(tail) >= self._need and not self.paused:
                self._tail = None
                self._read(bytes(tail))

    def read_on(self) -> None:
        """Read what came in while ``paused`` was set."""
        tail, self._tail = self._tail, None
        if tail is not None:
            self._read(bytes(tail))

    def _whole_text(self, data: bytes) -> None:
        try:
            text = unmasked(data[6:], data[2:6]).decode()
        except UnicodeDecodeError:
            self._violated(_no_utf8())
        else:
            self.on_text(text)

    def _read(self, data: bytes) -> None:
        """Take all whole frames of ``data``, and keep what is left."""
        at, end = 0, len(data)
        need = 0
        try:
            while at < end and not self.paused:
                size, start = self._head(data, at, end)
                need = start + size
                if not start or need > end:
                    break
                payload = data[start:need]
                self._frame(data[at], unmasked(payload, data[start - 4 : start]))
                at = need
                if self._reading == DEAF:
                    return
        except Violation as violation:
            self._violated(violation)
            return
        if at < end:
            self._tail = bytearray(data[at:] if at else data)
            self._need = max(need - at, 0)

    def _is_late(self, data: bytes) -> bool:
        """Whether what comes after a close is not looked at."""
        if self._reading == CLOSING:
            self._late += len(data)
            if self._late > LATE_BYTES:
                self._reading, self._tail = DEAF, None
        return self._reading == DEAF

    def _violated(self, violation: Violation) -> None:
        self._tail = self._fragments = None
        self._reading = DEAF
        self.on_violation(violation)

    # -- one frame ---------------------------------------------------------------------------------

    def _head(self, data: bytes, at: int, end: int) -> tuple[int, int]:
        """Return a payload's size and where it starts; 0 where the head is not whole yet.

        What two bytes tell is judged before more is waited for.
        """
        if end - at < 2:  # noqa: PLR2004 - its two first bytes
            return 0, 0
        first, size = data[at], data[at + 1] & 0x7F
        if not data[at + 1] & _MASKED:
            raise Violation(PROTOCOL_ERROR, "a frame without a mask")
        self._judge(first, size)
        start = at + _EXTENDED.get(size, _SHORTEST)
        if start > end:
            return 0, 0
        if size > _MOST_SHORT:
            size = _extended(data[at + 2 : start - 4])
        if first & _OPCODE in _DATA and self._reading == OPEN:
            self._judge_size(first, size)
        return size, start

    def _judge_size(self, first: int, size: int) -> None:
        if (fragments := self._fragments) is not None:
            first, size = fragments.first, size + len(fragments.data)
        most = longest_deflated(self._max_bytes) if first & RSV1 else self._max_bytes
        if size > most:
            raise _too_big()

    def _judge(self, first: int, size: int) -> None:
        """Judge a frame by its first byte and its short size (section 5.2 to 5.5)."""
        opcode = first & _OPCODE
        if first & self.reserved or (first & RSV1 and opcode not in _FIRST):
            raise Violation(PROTOCOL_ERROR, "reserved bits are set")
        if opcode in _CONTROL:
            if not first & FIN or size > _MOST_SHORT:
                raise Violation(PROTOCOL_ERROR, "a control frame that is fragmented or too long")
        elif opcode not in _DATA:
            raise Violation(PROTOCOL_ERROR, "an unknown opcode")
        elif self._reading == OPEN and (opcode == CONTINUATION) != (self._fragments is not None):
            raise Violation(PROTOCOL_ERROR, "a fragment out of order")

    def _frame(self, first: int, payload: bytes) -> None:
        opcode = first & _OPCODE
        if opcode in _DATA:
            if self._reading == OPEN:
                self._data(first, opcode, payload)
        elif opcode == CLOSE:
            self._closed(payload)
        elif self._reading == OPEN:
            if opcode == PING:
                self.on_ping(payload)
            else:
                self.on_part()

    def _data(self, first: int, opcode: int, payload: bytes) -> None:
        last = bool(first & FIN)
        fragments = self._fragments
        if fragments is None and last:
            self._deliver(first, opcode, payload)
            return
        if fragments is None:
            fragments = self._fragments = _Fragments(first)
        try:
            fragments.add(payload, last=last)
        except UnicodeDecodeError:
            raise _no_utf8() from None
        if last:
            self._fragments = None
            self._deliver(fragments.first, fragments.first & _OPCODE, bytes(fragments.data))
        else:
            self.on_part()

    def _deliver(self, first: int, opcode: int, payload: bytes) -> None:
        if first & RSV1:
            payload = _inflated(payload, self._max_bytes)
        if opcode == BINARY:
            self.on_binary(payload)
            return
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            raise _no_utf8() from None
        self.on_text(text)

    def _closed(self, payload: bytes) -> None:
        code, reason = _close_of(payload)
        self._tail = self._fragments = None
        self._reading = DEAF
        self.on_close(code, reason)


def _no_utf8() -> Violation:
    return Violation(INVALID_DATA, "text that is not UTF-8")


def _too_big() -> Violation:
    return Violation(TOO_BIG, "message too big")


def _inflated(payload: bytes, most: int) -> bytes:
    """Return a compressed message as it was."""
    try:
        return inflated(payload, most)
    except TooLong:
        raise _too_big() from None
    except ValueError:
        raise Violation(INVALID_DATA, "a message that does not inflate") from None


def _extended(size: bytes) -> int:
    """Read a size of two or eight bytes; the shortest form is a must (section 5.2)."""
    number = int.from_bytes(size, "big")
    if number <= _MOST_SHORT or (len(size) > 2 and number < _LEAST_LONG):  # noqa: PLR2004
        raise Violation(PROTOCOL_ERROR, "a size in more bytes than it needs")
    if number >> 63:
        raise Violation(PROTOCOL_ERROR, "a size beyond 63 bits")
    return number


def _close_of(payload: bytes) -> tuple[int, str]:
    """Read a close frame (section 5.5.1)."""
    if not payload:
        return NO_STATUS, ""
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not is_close_code(code):
        raise Violation(PROTOCOL_ERROR, "a close code that must not be sent")
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError:
        raise Violation(INVALID_DATA, "a close reason that is not UTF-8") from None
