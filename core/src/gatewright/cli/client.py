"""Who a command connects as, and where: the options that ``listen`` and ``send`` share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import typer

from gatewright.cli.errors import WrongUse
from gatewright.cli.options import state_directory

__all__ = ["DEFAULT_URL", "BadUser", "Client", "Token", "Url", "User", "WhoIsMissing", "client_of"]

DEFAULT_URL: Final = "ws://127.0.0.1:8180/ws"

User = Annotated[
    str | None,
    typer.Option(
        "--user",
        "-u",
        help="Connect as this user of `gatewright dev`, with a token signed by its key.",
        show_default=False,
    ),
]

Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar="GATEWRIGHT_TOKEN",
        help="Connect with this token.",
        show_default=False,
    ),
]

Url = Annotated[
    str, typer.Option("--url", envvar="GATEWRIGHT_WS_URL", help="The gateway's WebSocket.")
]


@dataclass(frozen=True)
class Client:
    """Who connects, and where.

    Attributes:
        command: What was typed, such as ``gatewright listen``; begins its errors.
        url: Where the WebSocket is.
        token: Sent as ``Authorization: Bearer``.
        key: The file with the key that signed the token, told where the gateway refuses it.
    """

    command: str
    url: str
    token: str = field(repr=False)
    key: Path | None = None


class WhoIsMissing(WrongUse):
    """Neither a user nor a token was named, or both were."""

    def __init__(self, command: str) -> None:
        self.command = command
        super().__init__(command)

    def __str__(self) -> str:
        return f"{self.command}: needs either --user or --token"


class BadUser(WrongUse):
    """A user id that no gateway would take."""

    def __init__(self, command: str) -> None:
        self.command = command
        super().__init__(command)

    def __str__(self) -> str:
        return f"{self.command}: --user: must be 1 to 512 bytes without control characters"


def client_of(
    command: str, *, user: str | None, token: str | None, url: str, state_dir: Path | None
) -> Client:
    """Return the client that the options describe; makes no key.

    Raises:
        WhoIsMissing: Neither a user nor a token is given, or both are.
        BadUser: No gateway would take the user id.
        OperatorError: There is no key to sign a token for the user.
    """
    if user is not None and token is None:
        token, key = _signed(command, user, state_directory(state_dir))
        return Client(command, url, token, key)
    if token is None or user is not None:
        raise WhoIsMissing(command)
    return Client(command, url, token)


def _signed(command: str, user: str, state: Path) -> tuple[str, Path | None]:
    """Return a token, and the file with the key that signed it."""
    from gatewright.cli.development import existing_authentication
    from gatewright.plugin.manager import PluginManager
    from gatewright.wire.names import is_user_id

    if not is_user_id(user):
        raise BadUser(command)
    who = existing_authentication(PluginManager(), state)
    return who.development.issue(user), who.key
