"""What a handshake asks of the driver that is to carry the socket."""

from __future__ import annotations

from typing import Protocol

from gatewright.session.socket import SocketSession

__all__ = ["Door"]


class Door(Protocol):
    """A WebSocket request that waits to be let in, or to be turned away."""

    @property
    def gone(self) -> bool:
        """Whether the client has hung up, as far as the server lets us know."""
        ...

    async def accept(self, subprotocol: str | None) -> None:
        """Answer the handshake, or get ready to; `serve` or `close` comes next."""
        ...

    async def close(self, code: int, reason: str = "") -> None:
        """Turn the client away with a close frame."""
        ...

    async def serve(self, session: SocketSession, place: str) -> None:
        """Carry the socket for ``session``; may return long before it is over.

        ``session.closed`` is called in any case, and the place given back after it.
        """
        ...
