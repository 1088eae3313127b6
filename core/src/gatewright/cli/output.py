"""How commands speak: plain lines and tables on standard output, errors on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["console", "note", "printable", "say", "table"]

PIPED_WIDTH = 200


def console() -> Console:
    """Return a console for standard output; without a terminal lines are not folded at 80."""
    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)


def say(text: str) -> None:
    """Print one line on standard output."""
    typer.echo(text)


def note(text: str) -> None:
    """Print one line on standard error, beside what a command puts out."""
    typer.echo(text, err=True)


def printable(text: str) -> str:
    """Return text from elsewhere so that it cannot steer a terminal; line ends stay."""
    return "".join(
        character
        if character.isprintable() or character in "\n\t"
        else character.encode("unicode_escape").decode()
        for character in text
    )


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return a table without rules; cells are text, never markup."""
    grid = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(printable(cell)) for cell in row))
    return grid
