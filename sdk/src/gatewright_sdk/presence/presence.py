"""What an application asks who is connected."""

from __future__ import annotations

from typing import Self

from gatewright_sdk.closing import AsyncClosing
from gatewright_sdk.config import HttpPresenceSettings, PresenceSettings, Settings
from gatewright_sdk.model import Connection
from gatewright_sdk.presence.http import HttpPresence
from gatewright_sdk.presence.provider import PresenceProvider
from gatewright_sdk.presence.redis import RedisPresence

__all__ = ["Presence", "provider_of"]


class Presence(AsyncClosing):
    """Tells who is connected, to whichever node.

    ::

        async with Presence.from_settings(Settings.from_env()) as presence:
            if not await presence.is_online("42"):
                ...

    Safe from many tasks of one event loop. Being cancelled leaves it usable.

    Args:
        provider: Where it asks.
    """

    def __init__(self, provider: PresenceProvider) -> None:
        self.provider = provider

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Make the one that the settings ask for.

        Raises:
            MissingExtra: Its library is not installed.
        """
        return cls(provider_of(settings.presence))

    async def connections(
        self, *, subject: str | None = None, user_id: str | int | None = None
    ) -> list[Connection]:
        """Return the connections that match, in no order.

        Args:
            subject: Those that hear it; None or empty for all.
            user_id: Those of this user; None or empty for all.

        Raises:
            Unavailable: Nobody answered, or the answer broke off.
            Refused: The key is wrong, or it is no gateway.
        """
        user = None if user_id is None else str(user_id)
        return await self.provider.connections(subject=subject, user_id=user)

    async def is_online(self, user_id: str | int) -> bool:
        """Tell whether a user is connected at least once.

        Raises:
            GatewrightError: As for `connections`.
        """
        return bool(user_id != "") and await self.provider.is_online(str(user_id))

    async def count(self, *, subject: str | None = None, user_id: str | int | None = None) -> int:
        """Return how many connections match; it reads them all, as `connections` does.

        Raises:
            GatewrightError: As for `connections`.
        """
        return len(await self.connections(subject=subject, user_id=user_id))

    async def users(self, *, subject: str | None = None) -> set[str]:
        """Return the ids of the users who are connected, or who hear a subject.

        Raises:
            GatewrightError: As for `connections`.
        """
        return {each.user_id for each in await self.connections(subject=subject)}

    async def close(self) -> None:
        """Close the connections; a second time, nothing. It is not to be used afterwards."""
        await self.provider.close()


def provider_of(settings: PresenceSettings) -> PresenceProvider:
    """Make the provider that settings describe.

    Raises:
        MissingExtra: Its library is not installed.
    """
    if isinstance(settings, HttpPresenceSettings):
        return HttpPresence(settings)
    return RedisPresence(settings)
