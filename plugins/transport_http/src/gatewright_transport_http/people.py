"""``gatewright subjects`` and ``gatewright disconnect``: commands to whoever is connected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
import typer

from gatewright import OperatorError
from gatewright_transport_http.client import Gateway, RequestError
from gatewright_transport_http.options import DEFAULT_KEY_VARIABLE, DEFAULT_URL, KeyVariable, Url

__all__ = ["disconnect", "subjects"]

User = Annotated[
    str | None, typer.Option("--user", help="All connections of this user.", show_default=False)
]
Connection = Annotated[
    str | None, typer.Option("--connection", help="This connection alone.", show_default=False)
]


class _Reached(msgspec.Struct):
    reached: int


class Unaddressed(OperatorError):
    """Neither a user nor a connection is named, or both."""

    def __init__(self, command: str) -> None:
        self.command = command
        super().__init__(command)

    def __str__(self) -> str:
        return f"gatewright {self.command}: name either --user or --connection"


class NothingToChange(OperatorError):
    """Neither ``--add`` nor ``--remove``."""

    def __str__(self) -> str:
        return "gatewright subjects: name what to change with --add or --remove"


def subjects(
    *,
    user: User = None,
    connection: Connection = None,
    add: Annotated[
        list[str] | None,
        typer.Option("--add", help="A subject to hear from now on.", show_default=False),
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option("--remove", help="A subject to hear no more.", show_default=False),
    ] = None,
    url: Url = DEFAULT_URL,
    api_key_env: KeyVariable = DEFAULT_KEY_VARIABLE,
) -> None:
    """Change what open connections hear.

    Prints how many connections were reached.
    """
    whom = _whom("subjects", user, connection)
    if not add and not remove:
        raise NothingToChange
    _send(Gateway(url, api_key_env), "subjects", {**whom, "add": add, "remove": remove})


def disconnect(
    *,
    user: User = None,
    connection: Connection = None,
    code: Annotated[
        int, typer.Option("--code", help="The close code: 1000, or one of your own from 4000 on.")
    ] = 1000,
    reason: Annotated[
        str, typer.Option("--reason", help="What the client is told, at most 123 bytes.")
    ] = "",
    url: Url = DEFAULT_URL,
    api_key_env: KeyVariable = DEFAULT_KEY_VARIABLE,
) -> None:
    """Close open connections.

    Prints how many connections were reached.
    """
    whom = _whom("disconnect", user, connection)
    _send(Gateway(url, api_key_env), "disconnect", {**whom, "code": code, "reason": reason})


def _whom(command: str, user: str | None, connection: str | None) -> dict[str, str]:
    if user is not None and connection is None:
        return {"user_id": user}
    if connection is not None and user is None:
        return {"connection_id": connection}
    raise Unaddressed(command)


def _send(gateway: Gateway, command: str, body: Mapping[str, object]) -> None:
    try:
        content = msgspec.json.encode(body)
    except UnicodeEncodeError:
        msg = "ids, subjects and the reason must be UTF-8"
        raise RequestError(msg) from None
    answer = gateway.request("POST", f"/internal/{command}", content=content)
    reached = gateway.decoded(answer, _Reached).reached
    partial = answer.headers.get("X-Gatewright-Reached") == "partial"
    typer.echo(f"reached at least {reached}" if partial else f"reached {reached}")
