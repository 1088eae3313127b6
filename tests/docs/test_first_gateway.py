"""The first tutorial, typed into terminals as it stands there."""

import pytest
from tests.support.markdown import ROOT, blocks_of, the_block
from tests.support.terminal import desk

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

PAGE = "docs/tutorial/first-gateway.md"
ACTIVATE = ". .venv/bin/activate\n"


def typed_at(who):
    return [block.text for block in blocks_of(ROOT / PAGE) if block.marker == f"terminal: {who}"]


def shown(marker):
    return the_block(PAGE, marker).text.strip()


async def test_the_tutorial_works_as_it_is_written(tmp_path):
    async with desk(tmp_path) as here:
        (tmp_path / "gateway.yaml").write_text(here.mine(the_block(PAGE, "gateway.yaml").text))
        gateway, client, backend = [await here.terminal() for _ in range(3)]
        (serve,), (listen,) = typed_at("gateway"), typed_at("client")
        publish, room, disconnect = typed_at("backend")

        stopped = gateway.run(ACTIVATE + serve)
        await gateway.until("serving")
        left = client.run(ACTIVATE + listen)
        await client.until("connected to")
        await gateway.until("connected")

        done = backend.run(ACTIVATE + publish)
        await backend.until(f"{done} 0")
        assert backend.lines[0].strip() == shown("sent")
        await client.until(shown("heard"))

        done = backend.run(room)
        await backend.until(f"{done} 0")
        assert backend.lines[0].strip() == "reached 1"
        await client.until(shown("heard in the room"))

        client.type(shown("typed") + "\n")
        await gateway.until(shown("typed"))

        done = backend.run(disconnect)
        await backend.until(f"{done} 0")
        assert "logged out" in await client.until("4403")
        await client.until(left)
        gateway.interrupt()
        await gateway.until(f"{stopped} 0")
