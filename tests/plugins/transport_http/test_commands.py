"""The commands, against a gateway served by hypercorn."""

import functools
import socket
from typing import Any

import anyio.to_thread
import pytest
import typer
from tests.plugins.transport_http.harness import KEY, FakePresence, connection, opened, served
from typer.testing import CliRunner

from gatewright import BusUnavailable, OperatorError, Publication, Receipt
from gatewright_transport_http.client import RequestError
from gatewright_transport_http.commands import connections, publish

pytestmark = pytest.mark.anyio

app = typer.Typer()
app.command("publish")(publish)
app.command("connections")(connections)


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    monkeypatch.setenv("GATEWAY_API_KEY", KEY)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("GATEWRIGHT_URL", raising=False)
    return monkeypatch


async def run(port: int, *arguments: str, text: str | None = None) -> Any:
    command, *rest = arguments
    invoke = functools.partial(
        CliRunner().invoke, app, [command, "--url", f"http://127.0.0.1:{port}", *rest], input=text
    )
    return await anyio.to_thread.run_sync(invoke)


def refusal(result: Any) -> str:
    """The one line that the command line prints for an error."""
    assert isinstance(result.exception, RequestError)
    assert isinstance(result.exception, OperatorError)
    assert result.exception.exit_code == 1
    assert "\n" not in str(result.exception)
    return str(result.exception)


async def test_publish_says_how_many_it_reached(api):
    async with served(api.app) as port:
        result = await run(port, "publish", "user:42", '{"hello": "world"}')

    assert (result.exit_code, result.output) == (0, "sent 1\n")
    assert api.core.published == [Publication(("user:42",), b'{"hello": "world"}', None, "http")]


async def test_publish_takes_several_subjects_and_an_id(api):
    async with served(api.app) as port:
        await run(port, "publish", "--id", "7", "user:42", "room:ü", "null")

    assert api.core.published == [Publication(("user:42", "room:ü"), b"null", "7", "http")]


async def test_a_single_argument_lacks_the_payload():
    error = (await run(1, "publish", "user:42")).exception

    assert isinstance(error, OperatorError)
    assert error.exit_code == 2
    assert str(error).startswith("gatewright publish: missing argument 'payload'; see ")


async def test_publish_reads_the_payload_from_standard_input(api):
    async with served(api.app) as port:
        await run(port, "publish", "user:42", "-", text='{"from": "stdin"}\n')

    assert api.core.published[0].payload == b'{"from": "stdin"}'


@pytest.mark.parametrize(
    ("receipt", "said"),
    [
        (Receipt(3, duplicate=True), "sent 3 when this id was first published; nothing now\n"),
        (Receipt(2, exact=False), "sent at least 2\n"),
    ],
)
async def test_publish_says_what_the_count_means(receipt, said):
    async with opened(answers=lambda _: receipt) as api, served(api.app) as port:
        assert (await run(port, "publish", "user:42", "1")).output == said


@pytest.mark.parametrize("payload", ["hello", "{hello: world}", "", "NaN", "[" * 5000])
async def test_a_payload_that_is_not_json_is_named_before_anything_is_sent(payload):
    assert "the payload is not JSON" in refusal(await run(1, "publish", "user:42", payload))


async def test_bytes_that_are_no_text_are_refused_in_one_line():
    assert refusal(await run(1, "publish", "\udcff", "1")) == "subjects and id must be UTF-8"
    assert "not UTF-8" in refusal(await run(1, "publish", "user:42", '"\udcff"'))


@pytest.mark.parametrize("arguments", [["publish", "user:42", "1"], ["connections"]])
async def test_a_gateway_that_is_not_there_is_named(arguments):
    with socket.socket() as taken:  # bound, but not listening
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        text = refusal(await run(port, *arguments))

    assert text.startswith(f"no gateway answers at http://127.0.0.1:{port}: ")
    assert text.endswith("; start one, or name it with --url")


@pytest.mark.parametrize("url", ["gateway", "ftp://gateway", "http://a:b"])
def test_an_address_that_is_none_is_named(url):
    result = CliRunner().invoke(app, ["connections", "--url", url])

    assert refusal(result) == f"{url!r} is no address; it should look like http://127.0.0.1:8180"


async def test_a_wrong_key_is_said(api, environment):
    environment.setenv("GATEWAY_API_KEY", "canary")
    async with served(api.app) as port:
        text = refusal(await run(port, "publish", "user:42", "1"))

    assert text.endswith("refuses the api key; set GATEWAY_API_KEY to one that it lists")
    assert "canary" not in text


async def test_a_missing_key_is_said_with_the_variables_name(api):
    async with served(api.app) as port:
        text = refusal(await run(port, "publish", "--api-key-env", "OTHER", "user:42", "1"))

    assert text.endswith("needs an api key; set OTHER to one that it lists")


async def test_the_key_of_the_development_gateway_is_found(api, environment, tmp_path):
    environment.delenv("GATEWAY_API_KEY")
    (tmp_path / "dev-api-key").write_text(f"{KEY}\n")
    async with served(api.app) as port:
        assert (await run(port, "publish", "user:42", "1")).output == "sent 1\n"


def test_the_key_of_the_development_gateway_stays_on_this_machine(environment, tmp_path):
    environment.delenv("GATEWAY_API_KEY")
    (tmp_path / "dev-api-key").mkdir()  # reading it would fail loudly
    invoke = functools.partial(CliRunner().invoke, app)

    assert "dev-api-key: cannot be read" in refusal(
        invoke(["connections", "--url", "http://localhost:1"])
    )
    assert "no gateway answers" in refusal(
        invoke(["connections", "--url", "http://gateway.invalid:1"])
    )


async def test_the_gateways_own_words_are_shown():
    def down(_publication: Publication) -> Receipt:
        msg = "connection\nrefused"
        raise BusUnavailable(msg)

    async with opened(answers=down) as api, served(api.app) as port:
        text = refusal(await run(port, "publish", "user:42", "1"))

    assert text.endswith(" answered 503: the bus is not available: connection refused")


async def test_the_url_can_come_from_the_environment(api, environment):
    async with served(api.app) as port:
        environment.setenv("GATEWRIGHT_URL", f"http://127.0.0.1:{port}")
        invoke = functools.partial(CliRunner().invoke, app, ["publish", "user:42", "1"])
        result = await anyio.to_thread.run_sync(invoke)

    assert result.output == "sent 1\n"


async def test_connections_are_shown_as_a_table():
    presence = FakePresence([connection(1, "[red]42", "room:b", "room:a"), connection(2, "43")])
    async with opened(presence=presence) as api, served(api.app) as port:
        result = await run(port, "connections")

    assert result.exit_code == 0
    assert "[red]42" in result.output
    assert "room:a, room:b, user:[red]42" in result.output
    assert "2 connections" in result.output


async def test_connections_are_filtered_by_the_gateway(api):
    async with served(api.app) as port:
        await run(port, "connections", "--user", "a b", "--subject", "ü/%")

    assert api.presence.asked == [
        {"subject": "ü/%", "user_id": "a b", "cursor": None, "limit": 1000}
    ]


async def test_connections_say_when_there_are_more():
    presence = FakePresence([connection(1), connection(2)])
    async with opened(presence=presence) as api, served(api.app) as port:
        result = await run(port, "connections", "--limit", "1")

    assert "1 connection" in result.stdout
    assert "there are more than 1;" in result.stderr


async def test_connections_as_json_are_the_gateways_answer():
    async with opened(presence=FakePresence([connection(1)])) as api, served(api.app) as port:
        result = await run(port, "connections", "--json")

    assert result.output == (
        '{"connections":[{"connection_id":"c-1","user_id":"42","subjects":["user:42"],'
        '"connected_at":1700000000}]}\n'
    )


@pytest.mark.parametrize(
    ("path", "said"), [("", "does not answer like a gateway"), ("/elsewhere", "no such endpoint")]
)
async def test_something_else_than_a_gateway_is_said(path, said):
    async def other(scope, _receive, send):
        status = 404 if scope["path"].startswith("/elsewhere") else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"<html>"})

    async with served(other) as port:
        result = await run(port, "connections", "--url", f"http://127.0.0.1:{port}{path}")

    assert said in refusal(result)
