"""``gatewright config``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from gatewright.cli.options import DEFAULT_CONFIG, ConfigFile
from gatewright.cli.output import say

__all__ = ["app"]

app = typer.Typer(help="Check the configuration, or look at it.", no_args_is_help=True)


@app.callback()
def _config() -> None:
    """Check the configuration, or look at it."""


@app.command()
def check(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The same as --config.")
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Say everything that is wrong with a configuration, or that it is right.

    Imports the plugins it names and checks their options, and starts nothing. Exits with 2 when
    there is a problem.
    """
    from gatewright.config.advice import advice
    from gatewright.config.load import load_config

    checked = load_config(file or config)
    for line in advice(checked):
        say(f"{checked.file}: {line}")
    count = sum(len(plugins) for plugins in checked.plugins.values())
    say(f"{checked.file}: ok, {count} plugins")


@app.command()
def show(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The same as --config.")
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Print what a configuration comes to: every option, variables put in, secrets masked.

    Exits with 2 when there is a problem.
    """
    from gatewright.config.display import as_yaml, displayed
    from gatewright.config.load import load_config

    checked = load_config(file or config)
    if as_json:
        say(json.dumps(displayed(checked), indent=2, ensure_ascii=False))
    else:
        say(as_yaml(checked).rstrip("\n"))


@app.command()
def schema(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write it there.", show_default=False),
    ] = None,
) -> None:
    """Print the JSON Schema of the file, with the plugins that are installed, for editors.

    Put **# yaml-language-server: $schema=FILE** into the first line of a configuration.
    """
    from gatewright.config.schema import schema as made
    from gatewright.plugin.manager import PluginManager

    text = json.dumps(made(PluginManager()), indent=2, ensure_ascii=False)
    if output is None:
        say(text)
    else:
        output.write_text(f"{text}\n", encoding="utf-8")
