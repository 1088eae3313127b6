"""``gatewright version``."""

from __future__ import annotations

import platform
from importlib import metadata

import typer

__all__ = ["version"]


def version() -> None:
    """Print the version of gatewright and of the Python it runs on."""
    number = metadata.version("gatewright")
    typer.echo(
        f"gatewright {number} ({platform.python_implementation()} {platform.python_version()})"
    )
