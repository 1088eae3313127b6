"""``gatewright dlq drop``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from gatewright.cli.dlq.shared import From, Keys, KeysOrAll, LastResort, Place, number
from gatewright.cli.options import DEFAULT_CONFIG, ConfigFile
from gatewright.cli.output import say

if TYPE_CHECKING:
    from gatewright.cli.dlq.desk import Desk

__all__ = ["drop"]

COMMAND: Final = "drop"
REMOVED_AT_ONCE: Final = 10_000  # a file is written again each time


def drop(
    keys: Keys = None,
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every dead letter there is.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    source: From = None,
    last_resort: LastResort = False,
) -> None:
    """Remove dead letters for good."""
    from gatewright.cli.dlq.desk import at_desk

    if bool(keys) is every:
        raise KeysOrAll(COMMAND)
    if not yes:
        what = "all dead letters" if every else number(len(keys or ()))
        typer.confirm(f"Remove {what} for good?", abort=True, err=True)

    async def dropped(desk: Desk) -> int:
        if every:
            gone = [record.key async for record in desk.letters()]
        else:
            gone = [record.key for record in await desk.find(keys or [])]
        removed = 0
        for start in range(0, len(gone), REMOVED_AT_ONCE):
            removed += await desk.store.remove(gone[start : start + REMOVED_AT_ONCE])
        return removed

    say(f"removed {number(at_desk(config, dropped, Place(source, last_resort)))}")
