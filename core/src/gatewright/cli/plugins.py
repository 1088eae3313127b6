"""``gatewright plugins``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from gatewright.cli.options import CONFIG_VARIABLE, DEFAULT_CONFIG
from gatewright.cli.output import console, note, printable, say, table
from gatewright.cli.plugin_names import PLUGINS, UnknownKind, named
from gatewright.cli.scaffold.command import new
from gatewright.cli.usage import NO_FILE, Usage, read_usage
from gatewright.plugin.catalogue import Catalogue
from gatewright.plugin.spec import KINDS, PROJECT, section_of
from gatewright.plugin.suggest import did_you_mean

__all__ = ["app"]

COMMAND: Final = "command"
FOUND: Final = 1
CHECK_SECONDS: Final = 20.0

app = typer.Typer(help="See which plugins are installed, and which are in use; begin your own.")
app.command("new")(new)

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        envvar=CONFIG_VARIABLE,
        help=f"The configuration that says what is in use. [default: {DEFAULT_CONFIG}, if there]",
        show_default=False,
    ),
]
KindOption = Annotated[
    str | None,
    typer.Option("--kind", metavar="KIND", help="Only this kind.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@dataclass(frozen=True, slots=True)
class Row:
    """One plugin or command as it is listed."""

    kind: str
    name: str
    distribution: str
    version: str
    state: str
    why: str


@app.callback(invoke_without_command=True)
def _plugins(
    context: typer.Context,
    config: Config = None,
    kind: KindOption = None,
    as_json: AsJson = False,
) -> None:
    """List the installed plugins: what each is, and whether the configuration uses it.

    Only metadata is read; no plugin is imported. The same as **gatewright plugins list**.
    """
    if context.invoked_subcommand is None:
        list_(config, kind, as_json=as_json)


@app.command("list")
def list_(
    config: Config = None,
    kind: KindOption = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the installed plugins: what each is, and whether the configuration uses it.

    Only metadata is read; no plugin is imported.
    """
    file = config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)
    usage = NO_FILE if file is None else read_usage(file, os.environ)
    catalogue = Catalogue.installed()
    rows = [*_rows(catalogue, usage)]
    if kind is not None:
        rows = [row for row in rows if row.kind == _kind(kind)]
    if as_json:
        say(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False))
        return
    console().print(_table(rows))
    for group, distribution in catalogue.strays:
        hint = did_you_mean(group, [f"{PROJECT}.{known}" for known in (*KINDS, COMMAND)])
        note(printable(f"{distribution}: no entry-point group {group!r}{hint}"))
    if file is None:
        note(f"no {DEFAULT_CONFIG} here; -c FILE tells what is in use")


@app.command()
def show(
    plugin: Annotated[
        str,
        typer.Argument(metavar="PLUGIN", help="KIND:NAME, or NAME where only one plugin has it."),
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Show one plugin: where it came from, what it offers and needs, and its options."""
    from gatewright.cli.plugin_details import details, print_details
    from gatewright.plugin.manager import PluginManager

    manager = PluginManager()
    print_details(details(named(plugin, manager.catalogue), manager), as_json=as_json)


@app.command()
def check(
    plugins: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PLUGIN]...", help="KIND:NAME or NAME; all unless given.", show_default=False
        ),
    ] = None,
    *,
    as_json: AsJson = False,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.1, help="How long each plugin may take.")
    ] = CHECK_SECONDS,
) -> None:
    """Import installed plugins, each in a process of its own, and say what is wrong with them.

    Finds what would keep a gateway from using one, requirements that are not met, and options
    without a description. Exits with 1 when there is a problem.
    """
    from gatewright.cli.plugin_check import check as checked

    catalogue = Catalogue.installed()
    chosen = [named(text, catalogue) for text in plugins or ()]
    if not chosen:
        chosen = list(dict.fromkeys((each.kind, each.name) for each in catalogue.plugins))
    found = checked(chosen, catalogue, seconds)
    if as_json:
        say(json.dumps([asdict(each) for each in found], indent=2, ensure_ascii=False))
    else:
        rows = (
            (f"{each.kind}:{each.name}", "\n".join(each.problems) or "ok", each.distribution)
            for each in found
        )
        console().print(table(["plugin", "found", "distribution"], rows))
    if not all(each.ok for each in found):
        raise typer.Exit(FOUND)


def _rows(catalogue: Catalogue, usage: Usage) -> Iterable[Row]:
    for plugin in catalogue.plugins:
        state, why = usage.of(plugin.kind, plugin.name)
        yield Row(plugin.kind, plugin.name, plugin.distribution, plugin.version, state, why)
    for command in catalogue.commands:
        why = f"gatewright {command.name}"
        yield Row(COMMAND, command.name, command.distribution, command.version, "installed", why)


def _kind(given: str) -> str:
    sections: dict[str, str] = {section_of(kind): kind for kind in KINDS}
    kind = sections.get(given, given)
    if kind not in {*KINDS, COMMAND}:
        raise UnknownKind(PLUGINS, given, (*KINDS, COMMAND))
    return kind


def _table(rows: list[Row]) -> object:
    shown = table(
        ["kind", "name", "state", "why", "distribution"],
        (
            (row.kind, row.name, row.state, row.why, f"{row.distribution} {row.version}")
            for row in rows
        ),
    )
    styles = {"in use": "bold", "disabled": "dim"}
    for index, row in enumerate(rows):
        shown.rows[index].style = styles.get(row.state, "")
    return shown
