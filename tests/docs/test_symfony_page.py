"""The page for deployments of earlier gateways, typed into a terminal as it stands there."""

import pytest
from tests.support.gateway import http_client
from tests.support.markdown import the_block
from tests.support.terminal import desk

from gatewright.config.settings import ServerSettings

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(90)]

PAGE = "docs/howto/symfony.md"


async def test_the_file_serves_with_the_least_of_an_environment(tmp_path):
    async with desk(tmp_path) as here:
        file = tmp_path / "examples" / "symfony.yaml"
        text = file.read_text()
        assert "0.0.0.0:8000" in text
        file.write_text(text.replace("0.0.0.0:8000", here.mine("127.0.0.1:8180")))
        terminal = await here.terminal()

        made = terminal.run(". .venv/bin/activate\ngatewright keys --out keys")
        await terminal.until(f"{made} 0")
        checked = terminal.run(here.mine(the_block(PAGE, "terminal: check").text))
        await terminal.until(f"{checked} 0")
        states = dict(line.split()[1:3] for line in terminal.lines if line.startswith("events "))
        assert states["webhook"] == "in"  # use
        assert states["rabbitmq"] == "disabled"

        stopped = terminal.run(the_block(PAGE, "terminal: serve").text)
        await terminal.until("serving")
        async with http_client() as client:
            health = await client.get(here.mine("http://127.0.0.1:8180/health"))
        assert health.json() == {"ok": True}
        terminal.interrupt()
        await terminal.until(f"{stopped} 0")


def test_the_option_that_the_page_offers_is_there():
    assert ServerSettings(refuse_with="http_401").refuse_with == "http_401"
