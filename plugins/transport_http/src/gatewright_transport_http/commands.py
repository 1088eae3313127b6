"""``gatewright publish`` and ``gatewright connections``: the HTTP API from a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import httpx
import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gatewright import OperatorError
from gatewright_transport_http.client import Gateway, RequestError
from gatewright_transport_http.options import DEFAULT_KEY_VARIABLE, DEFAULT_URL, KeyVariable, Url

__all__ = ["connections", "publish"]


class _Sent(msgspec.Struct):
    sent: int


class _Row(msgspec.Struct):
    connection_id: str
    user_id: str
    subjects: list[str]
    connected_at: int


class _Page(msgspec.Struct):
    connections: list[_Row]
    cursor: str | None = None


class MissingPayload(OperatorError):
    """A single argument: who should hear it, but not what."""

    def __str__(self) -> str:
        return "gatewright publish: missing argument 'payload'; see gatewright publish --help"


def publish(
    *,
    subjects: Annotated[  # optional for the parser alone, which would say that these are missing
        list[str] | None,
        typer.Argument(help="Who hears it, such as user:42; at least one.", show_default=False),
    ] = None,
    payload: Annotated[
        str, typer.Argument(help="Any JSON; - reads it from standard input.", show_default=False)
    ],
    url: Url = DEFAULT_URL,
    api_key_env: KeyVariable = DEFAULT_KEY_VARIABLE,
    publication_id: Annotated[
        str | None,
        typer.Option("--id", help="An id of your own: publishing it again sends nothing twice."),
    ] = None,
) -> None:
    """Publish JSON to the connected clients of one or more subjects.

    Prints how many connections matched.
    """
    if not subjects:
        raise MissingPayload
    content = _body(subjects, _json(payload), publication_id)
    gateway = Gateway(url, api_key_env)
    typer.echo(_sent(gateway, gateway.request("POST", "/internal/publish", content=content)))


def connections(
    *,
    user: Annotated[
        str | None, typer.Option("--user", help="Only this user's.", show_default=False)
    ] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="Only who hears this.", show_default=False)
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10_000, help="At most this many.")
    ] = 1000,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the gateway's answer: all of it, as JSON.")
    ] = False,
    url: Url = DEFAULT_URL,
    api_key_env: KeyVariable = DEFAULT_KEY_VARIABLE,
) -> None:
    """Show who is connected."""
    params = {"user_id": user, "subject": subject, "limit": None if as_json else str(limit)}
    given = {name: value for name, value in params.items() if value is not None}
    gateway = Gateway(url, api_key_env)
    answer = gateway.request("GET", "/internal/connections", params=given)
    if as_json:
        typer.echo(answer.content)
        return
    page = gateway.decoded(answer, _Page)
    Console().print(_table(page.connections))
    if page.cursor is not None:
        typer.echo(f"there are more than {limit}; --limit shows up to 10000, --json all", err=True)


def _json(text: str) -> msgspec.Raw:
    """Check what is to be published, so that the shell's tricks are named here and not by a 400."""
    if text == "-":
        text = typer.get_text_stream("stdin").read()
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        msg = f"the payload is not JSON ({error}); text needs quotes of its own: '\"hello\"'"
        raise RequestError(msg) from None
    except (RecursionError, UnicodeEncodeError):
        msg = "the payload is not JSON that can be published: nested too deep, or not UTF-8"
        raise RequestError(msg) from None
    return msgspec.Raw(text.strip().encode())


def _body(subjects: list[str], payload: msgspec.Raw, publication_id: str | None) -> bytes:
    body = {"subjects": subjects, "payload": payload}
    beside = {} if publication_id is None else {"id": publication_id}
    try:
        return msgspec.json.encode(body | beside)
    except UnicodeEncodeError:
        msg = "subjects and id must be UTF-8"
        raise RequestError(msg) from None


def _sent(gateway: Gateway, answer: httpx.Response) -> str:
    sent = gateway.decoded(answer, _Sent).sent
    if answer.headers.get("X-Gatewright-Duplicate") == "true":
        return f"sent {sent} when this id was first published; nothing now"
    if answer.headers.get("X-Gatewright-Sent") == "partial":
        return f"sent at least {sent}"
    return f"sent {sent}"


def _table(rows: list[_Row]) -> Table:
    noun = "connection" if len(rows) == 1 else "connections"
    table = Table("user", "subjects", "since", "connection", caption=f"{len(rows)} {noun}")
    for row in rows:
        since = datetime.fromtimestamp(row.connected_at, UTC).astimezone()
        table.add_row(
            Text(row.user_id),
            Text(", ".join(sorted(row.subjects))),
            Text(f"{since:%Y-%m-%d %H:%M:%S}"),
            Text(row.connection_id),
        )
    return table
