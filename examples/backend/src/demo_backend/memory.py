"""What the backend remembers, in this process alone."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any, Final

from gatewright_sdk import Disconnected, MessageReceived

__all__ = ["Departed", "LastMessage"]

_REMEMBERED: Final = 1_000


class LastMessage:
    """The message that came last, whoever sent it."""

    def __init__(self) -> None:
        self._last: dict[str, Any] | None = None

    def note(self, event: MessageReceived) -> None:
        """Remember a message in place of the one before."""
        self._last = {
            "user_id": event.user_id,
            "connection_id": event.connection_id,
            "message": event.message,
            "raw": event.raw,
            "received_at": int(time.time()),
        }

    def shown(self) -> dict[str, Any] | None:
        """Return it as JSON has it, or None before the first."""
        return self._last


class Departed:
    """The connections that went last.

    An event may arrive a moment before presence has the change: who is known to have gone is not
    shown any more.
    """

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()

    def note(self, event: Disconnected) -> None:
        """Remember a connection; of a thousand, the oldest is forgotten."""
        self._ids[event.connection_id] = None
        if len(self._ids) > _REMEMBERED:
            self._ids.popitem(last=False)

    def __contains__(self, connection_id: str) -> bool:
        return connection_id in self._ids
