"""The command itself."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from gatewright.cli.output import note, say
from gatewright.cli.scaffold.names import Names
from gatewright.cli.scaffold.rendering import write
from gatewright.plugin.spec import Kind

__all__ = ["new"]

Name = Annotated[str, typer.Argument(metavar="NAME", help="The word in the YAML, such as acme.")]
KindOption = Annotated[Kind, typer.Option("--kind", "-k", help="What it is to be.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="DIR",
        help="Where it is written. [default: gatewright-KIND-NAME]",
        show_default=False,
    ),
]
Summary = Annotated[str, typer.Option("--summary", help="One line that says what it does.")]


def new(
    name: Name,
    kind: KindOption,
    output: Output = None,
    summary: Summary = "A plugin for gatewright.",
) -> None:
    """Begin a plugin of your own: a distribution that works, with its tests.

    Nothing that is there is overwritten. Exits with 2 where NAME cannot be a plugin's name.
    """
    names = Names.checked(name, kind)
    folder = output or Path(names.distribution)
    line = " ".join(summary.replace("\\", " ").replace('"', "'").split())
    for path in write(names, line, folder):
        say(str(path))
    note(f"next: cd {shlex.quote(str(folder))} && pip install -e '.[test]' && pytest")
