"""``gatewright doctor``: looks at everything that a configuration names, for real."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from gatewright.cli.options import DEFAULT_CONFIG, ConfigFile

__all__ = ["doctor"]

FOUND: Final = 1
SECONDS: Final = 10.0


def doctor(
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 for warnings, too.")
    ] = False,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.1, help="How long each part may take.")
    ] = SECONDS,
) -> None:
    """Look at the machine and at every backend that a configuration names, and say what to mend.

    Contacts each backend and changes nothing there; may run beside a gateway. Exits with 1 when an
    error was found, with 2 when the configuration itself has problems.
    """
    from gatewright.cli.doctor.core import examinations
    from gatewright.cli.doctor.examining import examine
    from gatewright.cli.doctor.report import Report
    from gatewright.config.load import load_config
    from gatewright.logs import configure_logging

    loaded = load_config(config)
    configure_logging("error", "console")
    report = Report(str(config), examine(examinations(loaded), seconds), loaded)
    report.show(as_json=as_json)
    if report.errors or (strict and report.warnings):
        raise typer.Exit(FOUND)
