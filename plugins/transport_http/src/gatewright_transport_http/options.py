"""Options that the commands share."""

from __future__ import annotations

from typing import Annotated, Final

import typer

__all__ = ["DEFAULT_KEY_VARIABLE", "DEFAULT_URL", "KeyVariable", "Url"]

DEFAULT_URL: Final = "http://127.0.0.1:8180"
DEFAULT_KEY_VARIABLE: Final = "GATEWAY_API_KEY"

Url = Annotated[
    str, typer.Option("--url", envvar="GATEWRIGHT_URL", help="Where the gateway serves /internal.")
]
KeyVariable = Annotated[
    str,
    typer.Option(
        "--api-key-env",
        metavar="NAME",
        help="Environment variable with the api key; where it is not set and the gateway is on "
        "this machine, the key of `gatewright dev` is used.",
    ),
]
