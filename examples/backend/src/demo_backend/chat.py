"""A room that everybody at the chat page is in: client → gateway → here → gateway → clients."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any, Final

from demo_backend.memory import Departed
from gatewright_sdk import (
    Connected,
    Disconnected,
    Events,
    MessageReceived,
    Presence,
    Publisher,
)

__all__ = ["MOST_CHARACTERS", "ROOM", "Chat"]

ROOM: Final = "room:demo"
MOST_CHARACTERS: Final = 500


class Chat:
    """Repeats to all what one says, and says who comes and goes.

    A client says ``{"type": "chat", "text": "…", "ref": "…"}``. All hear ``{"type": "chat", "id",
    "from", "text", "ref", "at"}``, the time in milliseconds since 1970, and ``{"type": "people"}``
    where it is time to ask who is there. ``from`` is what the token says, never what the client
    says.
    """

    def __init__(self, publisher: Publisher, presence: Presence) -> None:
        self._publisher = publisher
        self._presence = presence
        self._departed = Departed()

    def listen(self, events: Events[str]) -> None:
        """Register the handlers."""
        events.on(Connected)(self._joined)
        events.on(Disconnected)(self._left)
        events.on(MessageReceived)(self._said)

    async def people(self) -> dict[str, int]:
        """Return who is in the room, with the number of their connections."""
        connections = await self._presence.connections(subject=ROOM)
        here = [one.user_id for one in connections if one.connection_id not in self._departed]
        return dict(sorted(Counter(here).items()))

    async def _joined(self, event: Connected) -> None:
        if ROOM in event.subjects:
            await self._publisher.publish(ROOM, {"type": "people"})

    async def _left(self, event: Disconnected) -> None:
        self._departed.note(event)
        if ROOM in event.subjects:
            await self._publisher.publish(ROOM, {"type": "people"})

    async def _said(self, event: MessageReceived) -> None:
        text = _text(event.message)
        if text is None or ROOM not in event.subjects:
            return
        payload = {
            "type": "chat",
            "id": event.delivery.id,
            "from": event.user_id,
            "text": text,
            "ref": _ref(event.message),
            "at": int(time.time() * 1000),
        }
        # The event's id is the same each time it comes, so the room hears it once.
        await self._publisher.publish(ROOM, payload, id=event.delivery.id)


def _text(message: dict[str, Any]) -> str | None:
    """Return what is to be said, or None where it is nothing that can be."""
    text = message.get("text")
    if message.get("type") != "chat" or not isinstance(text, str):
        return None
    return text.strip()[:MOST_CHARACTERS] or None


def _ref(message: dict[str, Any]) -> str | None:
    """Return the sender's own name for the message, by which its page knows it again."""
    ref = message.get("ref")
    return ref[:64] if isinstance(ref, str) else None
