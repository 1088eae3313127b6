"""``gatewright dlq show``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from gatewright.cli.dlq.shared import From, LastResort, Place, moment, plain
from gatewright.cli.options import DEFAULT_CONFIG, ConfigFile
from gatewright.cli.output import console, printable, say, table
from gatewright.model import StoredDeadLetter

if TYPE_CHECKING:
    from gatewright.cli.dlq.desk import Desk

__all__ = ["show"]

_TIMES: Final = {"first_at", "last_at"}
_PAYLOADS: Final = {"payload", "payload_base64"}


def show(
    key: Annotated[str, typer.Argument(help="A key as `dlq list` shows it.", show_default=False)],
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    payload: Annotated[
        bool, typer.Option("--payload", help="Print the payload's bytes and nothing else.")
    ] = False,
    source: From = None,
    last_resort: LastResort = False,
) -> None:
    """Show all that is known of one dead letter, its payload last."""
    from gatewright.cli.dlq.desk import at_desk

    async def found(desk: Desk) -> StoredDeadLetter:
        (record,) = await desk.find([key])
        return record

    record = at_desk(config, found, Place(source, last_resort))
    if payload:
        sys.stdout.buffer.write(record.letter.payload)
        return
    console().print(table(["", ""], _facts(record)))
    say("")
    say(printable(_indented(record.letter.payload)))


def _facts(record: StoredDeadLetter) -> list[tuple[str, str]]:
    facts: list[tuple[str, str]] = []
    for name, value in plain(record).items():
        if name not in _PAYLOADS and value not in {"", None}:
            facts.append((name, moment(value) if name in _TIMES else str(value)))
    return facts


def _indented(payload: bytes) -> str:
    try:
        msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return payload.decode(errors="backslashreplace")
    return msgspec.json.format(payload, indent=2).decode(errors="backslashreplace")
