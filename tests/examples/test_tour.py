"""The README's tour, typed into terminals as it stands there."""

import json
import re

import pytest
from tests.support.markdown import ROOT, blocks_of, the_block
from tests.support.terminal import desk

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]

README = ROOT / "README.md"


def typed_at(who):
    return [block.text for block in blocks_of(README) if block.marker == f"terminal: {who}"]


def test_make_run_is_what_the_tour_takes_it_for():
    assert re.search(
        r"^run:.*\n\t@\$\(BIN\)/gatewright dev \$\(ARGS\)$",
        (ROOT / "Makefile").read_text(),
        re.MULTILINE,
    )


@pytest.mark.parametrize(
    "block", [b for b in blocks_of(README) if b.marker.startswith("file: ")], ids=str
)
def test_files_in_the_readme_are_the_files(block):
    assert block.text == (ROOT / block.marker.removeprefix("file: ")).read_text()


async def test_the_tour_works_as_it_is_written(tmp_path):
    async with desk(tmp_path) as here:
        gateway, client, backend = [await here.terminal() for _ in range(3)]
        dev, serve = typed_at("gateway")
        look, listen = typed_at("client")
        first, second = typed_at("backend")
        (receive,) = typed_at("receiver")
        heard = the_block("README.md", "heard").text.strip()

        start = f". .venv/bin/activate\ngatewright dev --bind 127.0.0.1:{here.ports[8180]}"
        stopped = gateway.run(dev.replace("make run", start))
        await gateway.until(f"http://127.0.0.1:{here.ports[8180]}/")
        left = client.run(look)
        await client.until("connected to")
        published = backend.run(first)
        await backend.until(f"{published} 0")
        await client.until(heard)
        client.type('{"say":"hi"}\n')
        await gateway.until('{"say":"hi"}')
        gateway.interrupt()
        await gateway.until(f"{stopped} 0")
        await client.until(left)

        receiver = await here.terminal()
        receiver.run(receive)
        gateway.run(serve)
        await gateway.until('"serving"')
        client.run(listen)
        assert keys_of(await receiver.until("connected")) == keys_of(
            the_block("README.md", "received").text
        )
        published = backend.run(here.mine(second))
        await backend.until(f"{published} 0")
        await client.until('{"type":"event","payload":{"hello":"again"}}')
        await client.until('{"type":"event","payload":{"hello":"from curl"}}')
        answers = "".join(backend.lines)
        assert answers.startswith('sent 1\n{"sent":1}')
        assert "user:42" in answers
        client.type('{"say":"to the webhook"}\n')
        assert (await receiver.until("to the webhook")).startswith("2 ")


def keys_of(line):
    number, _, body = line.partition(" ")
    return number, list(json.loads(body))


async def test_the_production_example_works_as_it_is_written(tmp_path):
    async with desk(tmp_path) as here:
        gateway, client = await here.terminal(), await here.terminal()
        page = ROOT / "examples" / "README.md"
        serve, listen = [b.text for b in blocks_of(page, "sh") if "keys" in b.text]

        stopped = gateway.run(". .venv/bin/activate\n" + serve)
        await gateway.until("ok, 7 plugins")
        await gateway.until('"serving"')
        client.run(". .venv/bin/activate\n" + listen)
        await client.until("connected to")
        gateway.interrupt()
        await client.until("closed: 1012")
        await gateway.until(f"{stopped} 0")
