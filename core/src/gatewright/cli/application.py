"""Puts the commands together, runs one, and turns what goes wrong into a line and an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated, Final

import typer

from gatewright.cli import config, dev, dlq, doctor, init, listen, plugins, send, serve
from gatewright.cli import version as version_command
from gatewright.cli.contributed import add_contributed, find
from gatewright.cli.output import note
from gatewright.errors import OperatorError
from gatewright.plugin.catalogue import Catalogue, CommandEntry
from gatewright.plugin.describe import describe

__all__ = ["build", "main"]

PROGRAM: Final = "gatewright"
DEBUG: Final = "--debug"

FAILED: Final = 1
INTERRUPTED: Final = 130

_OWN: Final[dict[str, typer.Typer | Callable[..., None]]] = {
    "dev": dev.dev,
    "init": init.init,
    "serve": serve.serve,
    "config": config.app,
    "doctor": doctor.doctor,
    "plugins": plugins.app,
    "listen": listen.listen,
    "send": send.send,
    "dlq": dlq.app,
    "version": version_command.version,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the process's exit code.

    Args:
        arguments: What was typed after the program's name; `sys.argv` unless given.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    given, debug = _without_debug(given)
    try:
        return _run(given)
    except KeyboardInterrupt:
        return INTERRUPTED
    except typer.Abort:
        return FAILED
    except Exception as error:  # noqa: BLE001 - the last line of defence: a line, not a traceback
        if debug:
            traceback.print_exception(error)
        text, code = _said(error)
        note(text)
        return code


def build(catalogue: Catalogue, called: CommandEntry | None = None) -> typer.Typer:
    """Return the whole command line.

    Args:
        catalogue: Names the commands of plugins.
        called: The one of them that will be called, and so is imported.
    """
    app = typer.Typer(
        name=PROGRAM,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_root)
    for name, command in _OWN.items():
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    add_contributed(app, _OWN, catalogue, called)
    return app


def _run(arguments: list[str]) -> int:
    catalogue = Catalogue.installed()
    name = next(iter(arguments), "-")
    called = None if name.startswith("-") else find(name, _OWN, catalogue)
    command = typer.main.get_command(build(catalogue, called))
    result = command.main(arguments, prog_name=PROGRAM, standalone_mode=False)
    return result if isinstance(result, int) else 0


def _without_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """Take ``--debug`` out, wherever it stands before ``--``."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = [argument for argument in arguments[:end] if argument != DEBUG]
    return options + arguments[end:], len(options) < end


def _said(error: Exception) -> tuple[str, int]:
    """Return what to say about an error, and what to exit with."""
    if isinstance(error, OperatorError):
        return str(error), error.exit_code
    if isinstance(error, typer.TyperException):
        return _misuse(error), error.exit_code
    return f"{PROGRAM}: {describe(error)}; {DEBUG} shows where", FAILED


def _misuse(error: typer.TyperException) -> str:
    """Put a complaint about the arguments into one line of ours."""
    context = getattr(error, "ctx", None)
    path = PROGRAM if context is None else context.command_path
    text = " ".join(error.format_message().split()).rstrip(".")
    return f"{path}: {text[:1].lower()}{text[1:]}; see {path} --help"


def _root(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    debug: Annotated[  # noqa: ARG001 - taken out before; here to be listed
        bool, typer.Option(DEBUG, help="Show a traceback with every error.")
    ] = False,
) -> None:
    """A WebSocket gateway made of a small core and plugins.

    Start with **gatewright dev**: it needs no configuration and opens a console page.
    """
    if version:
        version_command.version()
    elif context.invoked_subcommand is None:
        text = context.get_help()
        if text:
            typer.echo(text)
