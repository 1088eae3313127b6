"""What the gateway sends to clients, each built once and shared by everyone who gets it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gatewright.wire.websocket import BINARY, FIN, head

__all__ = [
    "HEARTBEAT_ACK",
    "PONG",
    "RATE_LIMITED",
    "REFRESHED",
    "REFRESH_FAILED",
    "Batch",
    "Binary",
    "Frame",
    "Message",
    "Packed",
    "event_frame",
]


class Packed:
    """A message as it is written to clients that permessage-deflate was agreed with.

    Attributes:
        wire: Its frames, those compressed that became smaller.
        size: Their bytes.
    """

    __slots__ = ("size", "wire")

    def __init__(self, wire: bytes) -> None:
        self.wire: Final = wire
        self.size: Final = len(wire)


class Frame:
    """One message to a client, in the forms the socket drivers need.

    Attributes:
        wire: The WebSocket frame.
        size: Its bytes, as the send buffer counts them.
        packed: Compressed, once somebody needed that; for `Deflate`.
    """

    __slots__ = ("_head", "_text", "packed", "size", "wire")

    def __init__(self, payload: bytes) -> None:
        first = head(len(payload))
        self._head: Final = len(first)
        self._text: str | None = None
        self.packed: Packed | None = None
        self.wire: Final = first + payload
        self.size: Final = len(self.wire)

    @property
    def payload(self) -> bytes:
        """The message as UTF-8."""
        return self.wire[self._head :]

    @property
    def text(self) -> str:
        """The message as text; decoded once for all who share the frame."""
        if self._text is None:
            self._text = self.payload.decode()
        return self._text

    @property
    def frames(self) -> Sequence[Frame]:
        """This one."""
        return (self,)


class Binary:
    """One binary message to a client.

    Attributes:
        payload: The message.
        wire: The WebSocket frame.
        size: Its bytes.
        packed: As a `Frame`'s.
    """

    __slots__ = ("packed", "payload", "size", "wire")

    text: Final = None

    def __init__(self, payload: bytes) -> None:
        self.payload: Final = payload
        self.packed: Packed | None = None
        self.wire: Final = head(len(payload), FIN | BINARY) + payload
        self.size: Final = len(self.wire)

    @property
    def frames(self) -> Sequence[Binary]:
        """This one."""
        return (self,)


class Batch:
    """Several frames that a client gets one after the other, joined once for all who get them.

    Attributes:
        frames: They, in their order.
        wire: All of them.
        size: The bytes of all.
        packed: As a `Frame`'s.
    """

    __slots__ = ("frames", "packed", "size", "wire")

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.frames: Final = frames
        self.packed: Packed | None = None
        self.wire: Final = b"".join([frame.wire for frame in frames])
        self.size: Final = len(self.wire)


Message = Frame | Binary | Batch
"""What can be written to a socket."""


def event_frame(payload: bytes) -> Frame:
    """Wrap a publication's payload, byte for byte as it was published."""
    return Frame(b'{"type":"event","payload":%b}' % payload)


PONG: Final = Frame(b'{"type":"pong"}')
HEARTBEAT_ACK: Final = Frame(b'{"type":"heartbeat_ack"}')
RATE_LIMITED: Final = Frame(b'{"type":"rate_limited"}')
REFRESHED: Final = Frame(b'{"type":"refreshed"}')
REFRESH_FAILED: Final = Frame(b'{"type":"refresh_failed"}')
