"""What the gateway sends to clients, each built once and shared by everyone who gets it."""

from __future__ import annotations

from typing import Final

__all__ = [
    "HEARTBEAT_ACK",
    "PONG",
    "RATE_LIMITED",
    "REFRESHED",
    "REFRESH_FAILED",
    "Frame",
    "event_frame",
]


class Frame:
    """One text message to a client, in the forms the socket drivers need.

    Attributes:
        payload: The message as UTF-8.
        size: Its bytes, as the send buffer counts them.
    """

    __slots__ = ("_text", "payload", "size")

    def __init__(self, payload: bytes) -> None:
        self.payload: Final = payload
        self.size: Final = len(payload)
        self._text: str | None = None

    @property
    def text(self) -> str:
        """The message as text; decoded once for all who share the frame."""
        if self._text is None:
            self._text = self.payload.decode()
        return self._text


def event_frame(payload: bytes) -> Frame:
    """Wrap a publication's payload, byte for byte as it was published."""
    return Frame(b'{"type":"event","payload":%b}' % payload)


PONG: Final = Frame(b'{"type":"pong"}')
HEARTBEAT_ACK: Final = Frame(b'{"type":"heartbeat_ack"}')
RATE_LIMITED: Final = Frame(b'{"type":"rate_limited"}')
REFRESHED: Final = Frame(b'{"type":"refreshed"}')
REFRESH_FAILED: Final = Frame(b'{"type":"refresh_failed"}')
