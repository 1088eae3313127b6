"""Commands that plugins bring: listed from metadata, imported only when they are called."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection
from typing import Any, Final

import typer

from gatewright.cli.errors import CommandFailed, CommandNotInstalled, CommandTaken, UnknownCommand
from gatewright.plugin.catalogue import PUBLISHED_COMMANDS, Catalogue, CommandEntry

__all__ = ["add_contributed", "find"]

PANEL: Final = "Commands of installed plugins"

Command = typer.Typer | Callable[..., Any]


def add_contributed(
    app: typer.Typer, own: Collection[str], catalogue: Catalogue, called: CommandEntry | None
) -> None:
    """Add contributed commands; all but the one that is called stand in by name only.

    Args:
        app: Where to add them.
        own: The names that nobody else can have.
        catalogue: Who contributes what.
        called: The one to import.
    """
    for name, entry in _by_name(catalogue).items():
        if name not in own and (called is None or name != called.name):
            _add(app, name, _stand_in(entry))
    if called is not None:
        _add(app, called.name, _load(called))


def find(name: str, own: Collection[str], catalogue: Catalogue) -> CommandEntry | None:
    """Return the contributed command that ``name`` stands for, or ``None`` for one of our own.

    Raises:
        OperatorError: There is no such command, or more than one.
    """
    if name in own:
        return None
    entries = [entry for entry in catalogue.commands if entry.name == name]
    if len(entries) > 1:
        raise CommandTaken(name, entries)
    if entries:
        return entries[0]
    if (distribution := PUBLISHED_COMMANDS.get(name)) is not None:
        raise CommandNotInstalled(name, distribution)
    known = {entry.name for entry in catalogue.commands}
    raise UnknownCommand(name, {*own, *known, *PUBLISHED_COMMANDS})


def _by_name(catalogue: Catalogue) -> dict[str, CommandEntry]:
    return {entry.name: entry for entry in catalogue.commands}


def _add(app: typer.Typer, name: str, command: Command) -> None:
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=name, rich_help_panel=PANEL)
    else:
        app.command(name, rich_help_panel=PANEL)(command)


def _stand_in(entry: CommandEntry) -> Command:
    def stand_in() -> None:
        """Never called: the command that is called is loaded before."""

    stand_in.__doc__ = f"From {entry.distribution} {entry.version}."
    return stand_in


def _load(entry: CommandEntry) -> Command:
    module, _, attribute = entry.value.partition(":")
    try:
        command: object = importlib.import_module(module)
        for part in attribute.split("."):
            command = getattr(command, part)
    except (Exception, SystemExit) as error:
        raise CommandFailed(entry, error) from error
    if isinstance(command, typer.Typer) or callable(command):
        return command
    raise CommandFailed(entry, f"{entry.value} is neither a function nor a typer.Typer")
