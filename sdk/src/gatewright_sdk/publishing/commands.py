"""Commands to connections that are open, over HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gatewright_sdk.errors import ConfigurationError
from gatewright_sdk.publishing.http import HttpTransport, dumps

__all__ = ["Commands", "Reached"]


@dataclass(frozen=True, slots=True)
class Reached:
    """Whom a command reached.

    Attributes:
        connections: How many there were.
        exact: Whether all nodes answered.
    """

    connections: int
    exact: bool


class Commands:
    """Changes what open connections hear, and closes them, on whichever node they are.

    Both calls name either a user, all of whose connections at that moment are meant, or one
    connection. Repeating one does the same again.

    Args:
        transport: Whose connections are used, and whose key must be among the gateway's.
    """

    def __init__(self, transport: HttpTransport) -> None:
        self._link = transport.link

    async def change_subjects(
        self,
        *,
        user_id: str | int | None = None,
        connection_id: str | None = None,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
    ) -> Reached:
        """Have connections hear other subjects; what is both removed and added is added.

        Raises:
            ConfigurationError: Neither or both of user and connection are named.
            Refused: A subject cannot be granted, or none is named.
            Unavailable: The gateway did not answer.
        """
        command = {"add": list(add), "remove": list(remove)}
        return await self._command("/internal/subjects", user_id, connection_id, command)

    async def disconnect(
        self,
        *,
        user_id: str | int | None = None,
        connection_id: str | None = None,
        code: int = 1000,
        reason: str = "",
    ) -> Reached:
        """Close connections.

        Args:
            user_id: All of this user's.
            connection_id: This one.
            code: What the client sees: 1000 to 1003, 1007 to 1014, or 3000 to 4999 (RFC 6455,
                section 7.4).
            reason: At most 123 bytes.

        Raises:
            ConfigurationError: Neither or both of user and connection are named.
            Refused: The code or the reason cannot be sent.
            Unavailable: The gateway did not answer.
        """
        command = {"code": code, "reason": reason}
        return await self._command("/internal/disconnect", user_id, connection_id, command)

    async def _command(
        self,
        path: str,
        user_id: str | int | None,
        connection_id: str | None,
        command: dict[str, Any],
    ) -> Reached:
        if (user_id is None) == (connection_id is None):
            message = "exactly one of user_id and connection_id must be given"
            raise ConfigurationError(message)
        whom = (
            {"user_id": str(user_id)} if connection_id is None else {"connection_id": connection_id}
        )
        response = await self._link.post(path, dumps(whom | command))
        reached = self._link.json(response).get("reached")
        exact = response.headers.get("X-Gatewright-Reached") == "exact"
        return Reached(reached if isinstance(reached, int) else 0, exact)
