"""``gatewright listen``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from gatewright.cli.errors import WrongUse
from gatewright.cli.options import StateDirectory, state_directory

__all__ = ["listen"]

DEFAULT_URL: Final = "ws://127.0.0.1:8180/ws"


class WhoIsMissing(WrongUse):
    """Neither a user nor a token was named, or both were."""

    def __str__(self) -> str:
        return "gatewright listen: needs either --user or --token"


def listen(
    user: Annotated[
        str | None,
        typer.Option(
            "--user",
            "-u",
            help="Connect as this user of `gatewright dev`, with a token signed by its key.",
            show_default=False,
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            envvar="GATEWRIGHT_TOKEN",
            help="Connect with this token.",
            show_default=False,
        ),
    ] = None,
    url: Annotated[
        str, typer.Option("--url", envvar="GATEWRIGHT_WS_URL", help="The gateway's WebSocket.")
    ] = DEFAULT_URL,
    count: Annotated[
        int | None,
        typer.Option("--count", "-n", min=1, help="Stop after this many frames."),
    ] = None,
    state_dir: StateDirectory = None,
) -> None:
    """Connect as a client: print every frame, send every line that is typed.

    Frames go to standard output as they come, one a line; everything else goes to standard error.
    Ctrl-C disconnects. Exits with 1 when the connection did not end in good order.
    """
    key: Path | None = None
    if user is not None and token is None:
        token, key = _token(user, state_directory(state_dir))
    elif token is None or user is not None:
        raise WhoIsMissing
    from gatewright.cli.conversation import Conversation

    source = None if sys.stdin is None else sys.stdin.fileno()
    raise typer.Exit(Conversation(url, token, count, source, key).hold())


def _token(user: str, state: Path) -> tuple[str, Path | None]:
    """Return a token, and the file with the key that signed it; makes no key."""
    from gatewright.cli.development import existing_authentication
    from gatewright.plugin.manager import PluginManager
    from gatewright.wire.names import is_user_id

    if not is_user_id(user):
        raise BadUser
    who = existing_authentication(PluginManager(), state)
    return who.development.issue(user), who.key


class BadUser(WrongUse):
    """A user id that no gateway would take."""

    def __str__(self) -> str:
        return "gatewright listen: --user: must be 1 to 512 bytes without control characters"
