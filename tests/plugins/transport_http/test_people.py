"""``gatewright subjects`` and ``gatewright disconnect``, against a gateway served by hypercorn."""

import functools

import anyio.to_thread
import pytest
import typer
from tests.plugins.transport_http.harness import KEY, opened, served
from typer.testing import CliRunner

from gatewright import Command, OperatorError, Receipt
from gatewright_transport_http.people import disconnect, subjects

pytestmark = pytest.mark.anyio

app = typer.Typer()
app.command("subjects")(subjects)
app.command("disconnect")(disconnect)


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    monkeypatch.setenv("GATEWAY_API_KEY", KEY)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("GATEWRIGHT_URL", raising=False)


async def run(port, command, *arguments):
    given = [command, "--url", f"http://127.0.0.1:{port}", *arguments]
    return await anyio.to_thread.run_sync(functools.partial(CliRunner().invoke, app, given))


async def test_subjects_changes_what_a_user_hears(api):
    async with served(api.app) as port:
        result = await run(
            port, "subjects", "--user", "42", "--add", "a", "--add", "b", "--remove", "c"
        )

    assert (result.exit_code, result.output) == (0, "reached 1\n")
    assert api.core.commands == [Command("subjects", user_id="42", add=("a", "b"), remove=("c",))]


async def test_disconnect_closes_a_connection(api):
    async with served(api.app) as port:
        result = await run(
            port, "disconnect", "--connection", "c-1", "--code", "4000", "--reason", "bye"
        )

    assert (result.exit_code, result.output) == (0, "reached 1\n")
    assert api.core.commands == [
        Command("disconnect", connection_id="c-1", code=4000, reason="bye")
    ]


async def test_a_number_that_may_be_more_is_said_to_be():
    async with opened(answers=lambda _: Receipt(2, exact=False)) as api, served(api.app) as port:
        result = await run(port, "disconnect", "--user", "42")

    assert result.output == "reached at least 2\n"


@pytest.mark.parametrize("whom", [[], ["--user", "42", "--connection", "c-1"]])
@pytest.mark.parametrize("command", ["subjects", "disconnect"])
async def test_neither_or_both_is_an_error(whom, command):
    error = (await run(1, command, *whom)).exception

    assert isinstance(error, OperatorError)
    assert str(error) == f"gatewright {command}: name either --user or --connection"


async def test_nothing_to_change_is_an_error():
    error = (await run(1, "subjects", "--user", "42")).exception

    assert str(error) == "gatewright subjects: name what to change with --add or --remove"


async def test_what_the_gateway_refuses_is_said_in_one_line(api):
    async with served(api.app) as port:
        error = (await run(port, "disconnect", "--user", "42", "--code", "1006")).exception

    assert "code must be 1000 to 1003, 1007 to 1014 or 3000 to 4999" in str(error)
    assert "\n" not in str(error)


async def test_bytes_that_are_no_text_are_refused():
    error = (await run(1, "disconnect", "--user", "\udcff")).exception

    assert str(error) == "ids, subjects and the reason must be UTF-8"
