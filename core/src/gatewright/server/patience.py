"""HTTP clients that do not read their answers: waited for, but not for ever."""

from __future__ import annotations

import asyncio
from typing import Final

from gatewright.server.asgi import Message, Send
from gatewright.server.hypercorn.carrier import hang_up

__all__ = ["SEND_SECONDS", "patient"]

SEND_SECONDS: Final = 30.0
"""How long one part of an answer may take to leave; a WebSocket has its own limits."""


def patient(send: Send) -> Send:
    """Return an ASGI ``send`` that drops the connection of a client that does not read.

    What is sent afterwards goes nowhere, without an error, as it does for every client that left.
    """

    async def send_in_time(message: Message) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await send(message)
        except TimeoutError:
            hang_up(send)

    return send_in_time
