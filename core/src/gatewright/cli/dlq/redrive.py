"""``gatewright dlq redrive``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gatewright.cli.dlq.shared import NEW, From, Keys, KeysOrAll, LastResort, Place
from gatewright.cli.errors import WrongUse
from gatewright.cli.options import DEFAULT_CONFIG, ConfigFile
from gatewright.cli.output import note, printable, say
from gatewright.model import StoredDeadLetter

if TYPE_CHECKING:
    from gatewright.cli.dlq.attempts import Sums
    from gatewright.cli.dlq.desk import Desk

__all__ = ["redrive"]

COMMAND: Final = "redrive"
PER_SECOND: Final = 100.0


class BadRate(WrongUse):
    """A rate that is none."""

    def __str__(self) -> str:
        return f"gatewright dlq {COMMAND}: --rate must be greater than 0"


def redrive(
    keys: Keys = None,
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every dead letter in state new.")] = False,
    rate: Annotated[
        float, typer.Option("--rate", metavar="N", help="At most this many a second.")
    ] = PER_SECOND,
    source: From = None,
    last_resort: LastResort = False,
) -> None:
    """Send events to their sinks once more, with their own ids, in the order they were written.

    Publications go back to where their transport reads. What is taken is marked redriven; what is
    not stays as it was. After a failure that may pass, the later events of that connection are held
    back. Exits with 1 when anything stays behind.
    """
    from gatewright.cli.dlq.attempts import Redrive
    from gatewright.cli.dlq.desk import at_desk

    if bool(keys) is every:
        raise KeysOrAll(COMMAND)
    if not rate > 0:
        raise BadRate

    async def redriven(desk: Desk) -> Sums:
        chosen = [] if keys is None else await desk.find(keys)
        run = Redrive(
            desk.store,
            await desk.open_sinks(),
            desk.resender,
            per_second=rate,
            tell=lambda line: note(printable(line)),
        )
        return await run.run(_new(desk) if every else _each(chosen))

    sums = at_desk(config, redriven, Place(source, last_resort))
    say(str(sums))
    raise typer.Exit(0 if sums.all_went else 1)


async def _new(desk: Desk) -> AsyncIterator[StoredDeadLetter]:
    """Yield what is new now, and not what a gateway writes meanwhile.

    A publication that is still wrong when it comes back becomes a dead letter again, at once: going
    on to the end would never end.
    """
    wanted = {record.key async for record in desk.letters() if record.state == NEW}
    if not wanted:
        return
    async for record in desk.letters():
        if record.key in wanted:
            wanted.remove(record.key)
            yield record
            if not wanted:
                return


async def _each(records: list[StoredDeadLetter]) -> AsyncIterator[StoredDeadLetter]:
    for record in records:
        yield record
