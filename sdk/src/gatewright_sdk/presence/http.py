"""Who is connected, by the gateway's own word."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from gatewright_sdk.config import HttpPresenceSettings
from gatewright_sdk.errors import Refused, needing
from gatewright_sdk.model import Connection

__all__ = ["HttpPresence"]

_PAGE: Final = "1000"
_DOTS: Final = frozenset({".", ".."})
"""No segments of a path: clients and proxies remove them, encoded or not (RFC 3986, 5.2.4)."""


class HttpPresence:
    """Asks the gateway. Needs ``gatewright-sdk[http]``.

    Long lists come page by page. What changes meanwhile may be in it or not.

    Args:
        settings: Where, and with which key.

    Raises:
        MissingExtra: The library is not installed.
        ConfigurationError: The address is none, or no header can carry the key.
    """

    def __init__(self, settings: HttpPresenceSettings) -> None:
        with needing("HttpPresence", "http"):
            from gatewright_sdk.links.http import HttpLink  # noqa: PLC0415 - optional
        self._link = HttpLink(settings.base_url, settings.api_key, settings.timeout_seconds)
        self._list_path = settings.list_path
        self._by_user_path = settings.by_user_path

    async def connections(
        self, *, subject: str | None = None, user_id: str | None = None
    ) -> list[Connection]:
        """Ask for all that match; the timeout is that of one page. See `PresenceProvider`."""
        if subject:
            query = {"subject": subject, **({"user_id": user_id} if user_id else {})}
            return await self._all(self._list_path, query)
        return await self._all(*self._whom(user_id))

    async def is_online(self, user_id: str) -> bool:
        """Ask for one connection of a user; see `PresenceProvider`."""
        path, query = self._whom(user_id)
        return bool((await self._page(path, {**query, "limit": "1"}))[0])

    async def close(self) -> None:
        """Close the connections."""
        await self._link.close()

    async def _all(self, path: str, query: dict[str, str]) -> list[Connection]:
        found, cursor = await self._page(path, {**query, "limit": _PAGE})
        while cursor is not None:
            page, cursor = await self._page(path, {**query, "limit": _PAGE, "cursor": cursor})
            found += page
        return found

    async def _page(self, path: str, query: dict[str, str]) -> tuple[list[Connection], str | None]:
        """Return a page, and where the next one begins; a gateway without pages tells all."""
        document = self._link.json(await self._link.get(path, query))
        try:
            found = [_connection(each) for each in document["connections"]]
        except (KeyError, TypeError, ValueError, AttributeError):
            message = f"the gateway at {self._link.shown}{path} tells of no connections"
            raise Refused(message) from None
        cursor = document.get("cursor")
        return found, cursor if isinstance(cursor, str) else None

    def _whom(self, user_id: str | None) -> tuple[str, dict[str, str]]:
        """Return where to ask for a user's connections, or for all, and with which query."""
        if not user_id:
            return self._list_path, {}
        if user_id in _DOTS:
            return self._list_path, {"user_id": user_id}
        return self._by_user_path.replace("{user_id}", quote(user_id, safe="")), {}


def _connection(entry: dict[str, Any]) -> Connection:
    last_seen_at = entry.get("last_seen_at")
    return Connection(
        connection_id=str(entry["connection_id"]),
        user_id=str(entry["user_id"]),
        subjects=tuple(map(str, entry["subjects"])),
        connected_at=int(entry["connected_at"]),
        last_seen_at=None if last_seen_at is None else int(last_seen_at),
    )
