"""``gatewright send``."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Final

import typer

from gatewright.cli.client import DEFAULT_URL, Token, Url, User, client_of
from gatewright.cli.errors import WrongUse
from gatewright.cli.options import StateDirectory

__all__ = ["NotText", "send"]

COMMAND: Final = "gatewright send"
SECONDS: Final = 10.0


class NotText(WrongUse):
    """A message is not UTF-8, and WebSocket text messages are."""

    def __init__(self, where: str) -> None:
        self.where = where
        super().__init__(where)

    def __str__(self) -> str:
        return f"{COMMAND}: {self.where} is not UTF-8; a gateway takes text alone"


def send(
    messages: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MESSAGE]...",
            help="What to send, JSON or other text; without one, every line of standard input.",
            show_default=False,
        ),
    ] = None,
    *,
    user: User = None,
    token: Token = None,
    url: Url = DEFAULT_URL,
    wait: Annotated[
        int, typer.Option("--wait", "-w", min=0, help="Wait for this many frames.")
    ] = 0,
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout",
            "-t",
            metavar="SECONDS",
            min=0.1,
            help="How long to wait for answers once everything is sent.",
        ),
    ] = SECONDS,
    state_dir: StateDirectory = None,
) -> None:
    """Connect as a client, send each message, and disconnect once the gateway has taken them.

    Frames that come meanwhile go to standard output, one a line; everything else goes to standard
    error. Exits with 1 when not every message was taken, or not as many frames came as `--wait`
    says.
    """
    client = client_of(COMMAND, user=user, token=token, url=url, state_dir=state_dir)
    from gatewright.cli.exchange import Exchange

    named = [_text(os.fsencode(each), f"message {n}") for n, each in enumerate(messages or (), 1)]
    texts = _each(named) if named else _lines()
    raise typer.Exit(Exchange(client, wanted=wait, seconds=timeout).hold(texts))


async def _each(messages: Sequence[str]) -> AsyncIterator[str]:
    for message in messages:
        yield message


async def _lines() -> AsyncIterator[str]:
    from gatewright.cli.lines import lines_of, standard_input

    source = standard_input()
    if source is None:
        return
    number = 0
    async for line in lines_of(source):
        number += 1
        yield _text(line, f"line {number} of standard input")


def _text(written: bytes, where: str) -> str:
    try:
        return written.decode()
    except UnicodeDecodeError:
        raise NotText(where) from None
