"""A direct socket whose client agreed to permessage-deflate (RFC 7692)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from gatewright.server.drivers.direct_socket import DirectSocket
from gatewright.server.drivers.frame_reader import RESERVED
from gatewright.wire.websocket import RSV1

if TYPE_CHECKING:
    from gatewright.server.drivers.direct_socket import Terms
    from gatewright.session.socket import SocketSession
    from gatewright.wire.deflate import Deflate
    from gatewright.wire.frames import Message

__all__ = ["DeflateSocket"]


class DeflateSocket(DirectSocket):
    """Writes what is compressed once for all, and inflates what comes in compressed."""

    reserved: ClassVar[int] = RESERVED & ~RSV1

    __slots__ = ("_deflate",)

    def __init__(self, terms: Terms, session: SocketSession, place: str, deflate: Deflate) -> None:
        super().__init__(terms, session, place)
        self._deflate = deflate

    def write(self, message: Message) -> None:
        """Send frames; see `Socket.write`."""
        packed = self._deflate.packed(message)
        super().write(cast("Message", packed))  # of which it takes the bytes and their number
