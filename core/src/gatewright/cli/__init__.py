"""The command line: one file for each command, and ``main``, which runs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

__all__ = ["main"]

INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the process's exit code; Ctrl-C while importing is quiet, too.

    Args:
        arguments: What was typed after the program's name; `sys.argv` unless given.
    """
    try:
        from gatewright.cli.application import main as run

        return run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
