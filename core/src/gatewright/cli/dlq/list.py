"""``gatewright dlq list``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from gatewright.cli.dlq.shared import From, LastResort, Place, moment, number, plain
from gatewright.cli.options import DEFAULT_CONFIG, ConfigFile
from gatewright.cli.output import console, note, say, table
from gatewright.model import StoredDeadLetter

if TYPE_CHECKING:
    from gatewright.cli.dlq.desk import Desk

__all__ = ["list_"]


def list_(
    config: ConfigFile = DEFAULT_CONFIG,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most this many.")] = 100,
    state: Annotated[
        str | None,
        typer.Option("--state", help="Only this state: new or redriven.", show_default=False),
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a line, payloads included.")
    ] = False,
    source: From = None,
    last_resort: LastResort = False,
) -> None:
    """List dead letters, the oldest first."""
    from gatewright.cli.dlq.desk import at_desk

    async def listed(desk: Desk) -> tuple[list[StoredDeadLetter], int, Path | None]:
        records: list[StoredDeadLetter] = []
        matching = 0
        async for record in desk.letters():
            if state is None or record.state == state:
                matching += 1
                if matching <= limit:
                    records.append(record)
        return records, matching, desk.file

    records, matching, file = at_desk(config, listed, Place(source, last_resort))
    if as_json:
        for record in records:
            say(json.dumps(plain(record), ensure_ascii=False))
        return
    if records:
        console().print(_table(records))
    more = f", the first {len(records)} are shown; --limit shows more"
    note(f"{number(matching)}{more if matching > len(records) else _place(matching, file)}")


def _place(count: int, file: Path | None) -> str:
    """Say where nothing was found: a wrong folder looks like an empty store."""
    if count or file is None:
        return ""
    return f" in {file}" if file.exists() else f" in {file} (no such file)"


def _table(records: list[StoredDeadLetter]) -> Table:
    columns = ["key", "state", "since", "target", "what", "user", "reason", "tried", "error"]
    return table(columns, (_row(record) for record in records))


def _row(record: StoredDeadLetter) -> tuple[str, ...]:
    letter = record.letter
    return (
        record.key,
        record.state,
        moment(letter.last_at),
        letter.target,
        letter.type or letter.kind,
        letter.user_id,
        letter.reason,
        str(letter.attempts),
        letter.error,
    )
