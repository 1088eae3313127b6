"""How clients speak to the Socket.IO peer."""

from __future__ import annotations

from typing import Final

from bench.prepared import Dialect

__all__ = ["DIALECT", "PATH"]

PATH: Final = "/socket.io/?EIO=4&transport=websocket"
DIALECT: Final = Dialect(
    before='42["event",',
    after="]",
    ping='42["ping"]',
    message='42["chat",{"room":"bench","text":"sixteen of these, then a ping"}]',
    greeting="40",
    welcome="40",
    counted="42",
)
"""The packets of Socket.IO 5 in those of Engine.IO 4: 40 connects, 42 is an event."""
