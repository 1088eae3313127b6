"""``gatewright listen``."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from gatewright.cli.client import DEFAULT_URL, Token, Url, User, client_of
from gatewright.cli.options import StateDirectory

__all__ = ["listen"]

COMMAND: Final = "gatewright listen"


def listen(
    user: User = None,
    token: Token = None,
    url: Url = DEFAULT_URL,
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
    client = client_of(COMMAND, user=user, token=token, url=url, state_dir=state_dir)
    from gatewright.cli.conversation import Conversation
    from gatewright.cli.lines import standard_input

    raise typer.Exit(Conversation(client, count, standard_input()).hold())
