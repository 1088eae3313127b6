"""Who tells who is connected."""

from __future__ import annotations

from typing import Protocol

from gatewright_sdk.model import Connection

__all__ = ["PresenceProvider"]


class PresenceProvider(Protocol):
    """A place to ask. Safe from many tasks of one event loop, and nothing is ever written."""

    async def connections(
        self, *, subject: str | None = None, user_id: str | None = None
    ) -> list[Connection]:
        """Return all connections that match both filters, in no order.

        Raises:
            Unavailable: It does not answer, or broke off: an incomplete list is never returned.
            Refused: It will not tell.
        """
        ...

    async def is_online(self, user_id: str) -> bool:
        """Tell whether a user has a connection; ``user_id`` is not empty.

        Raises:
            GatewrightError: As for `connections`.
        """
        ...

    async def close(self) -> None:
        """Close its connections; a second time, nothing. It is not to be used afterwards."""
        ...
