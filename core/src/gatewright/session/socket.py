"""What a session asks of the socket below it, and a driver of the session above it."""

from __future__ import annotations

from typing import Protocol

from gatewright.wire.frames import Message

__all__ = ["Socket", "SocketSession"]


class Socket(Protocol):
    """One WebSocket, as every driver offers it. No method blocks, awaits or raises."""

    @property
    def buffered(self) -> int:
        """Bytes written that are not yet with the kernel."""
        ...

    def write(self, message: Message) -> None:
        """Send a frame, or several, after those before it; once a close was asked for, do nothing.

        A client whose unsent bytes would pass the limit is closed with 4008; an empty buffer
        takes whatever comes.
        """
        ...

    def close(self, code: int, reason: str = "") -> None:
        """Send what was written, then a close frame; nothing that comes in later is a message.

        Only the first call counts. A client that does not read is cut off after some seconds.
        """
        ...

    def abort(self) -> None:
        """Drop the connection at once."""
        ...

    def pause_reading(self) -> None:
        """Take no more messages until `resume_reading`; keepalive waits meanwhile."""
        ...

    def resume_reading(self) -> None:
        """Take messages again."""
        ...


class SocketSession(Protocol):
    """What a driver serves: any object with these methods. None blocks, awaits or raises."""

    def opened(self, socket: Socket) -> None:
        """The handshake is done; called once, before anything else."""
        ...

    def text(self, text: str) -> None:
        """The client sent a text message."""
        ...

    def binary(self, data: bytes) -> None:
        """The client sent a binary message."""
        ...

    def control(self) -> None:
        """The client sent a ping, a pong or a fragment, which the driver has dealt with."""
        ...

    def closed(self, code: int, reason: str) -> None:
        """The socket is gone; called once, last. ``code`` is 1006 where no close frame came."""
        ...
