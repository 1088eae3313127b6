"""``gatewright dlq``: one file for each of its commands."""

from __future__ import annotations

import typer

from gatewright.cli.dlq.drop import drop
from gatewright.cli.dlq.list import list_
from gatewright.cli.dlq.redrive import redrive
from gatewright.cli.dlq.show import show

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _dlq() -> None:
    """See what could not be delivered, and deliver it after all.

    Works on the store that the configuration names, whether or not a gateway is running beside it.
    """


app.command("list")(list_)
app.command()(show)
app.command()(redrive)
app.command()(drop)
