"""``gatewright serve``."""

from __future__ import annotations

import typer

from gatewright.cli.options import DEFAULT_CONFIG, ConfigFile

__all__ = ["serve"]


def serve(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Run the gateway that a file describes, until it is told to stop.

    Exits with 2 when the file has problems (all are listed), with 3 when the machine lacks what it
    names. SIGTERM drains and exits with 0; a second one exits at once.
    """
    from gatewright.config.load import load_config
    from gatewright.server.serve import serve as run

    raise typer.Exit(run(load_config(config)))
