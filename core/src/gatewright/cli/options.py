"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from gatewright.state import state_directory as default_directory

__all__ = [
    "CONFIG_VARIABLE",
    "DEFAULT_CONFIG",
    "ConfigFile",
    "StateDirectory",
    "state_directory",
]

CONFIG_VARIABLE: Final = "GATEWRIGHT_CONFIG"
DEFAULT_CONFIG: Final = Path("gateway.yaml")

ConfigFile = Annotated[
    Path,
    typer.Option(
        "--config", "-c", metavar="FILE", envvar=CONFIG_VARIABLE, help="The configuration."
    ),
]

StateDirectory = Annotated[
    Path | None,
    typer.Option(
        "--state-dir",
        metavar="FOLDER",
        help="Where `gatewright dev` keeps its keys. [default: $STATE_DIRECTORY, else ./var]",
        show_default=False,
    ),
]


def state_directory(
    given: Path | None = None, environment: Mapping[str, str] | None = None
) -> Path:
    """Return where local state is: ``given``, else the first of ``STATE_DIRECTORY``, ``./var``."""
    return given or default_directory(environment)
