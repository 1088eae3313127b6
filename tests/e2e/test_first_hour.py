"""A plugin author's first hour, from an empty virtual environment to a gateway that serves.

The environment is made with `venv`, and what is installed there comes from wheels: the core's is
built from this checkout, those of its dependencies come from pip's index. Nothing of the checkout's
own environment can help a plugin along. It is made once; new plugins are installed into it with
``--no-deps``, since the core and all that they need is there.
"""

from __future__ import annotations

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.gateway import gateway
from tests.support.wheels import Environment, built

from gatewright.cli.application import main
from gatewright.plugin.spec import KINDS
from gatewright.testing.ports import LOOPBACK, free_port

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

SECRET = "a secret that is long enough for tests"


def edit(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    made = Environment.make(tmp_path_factory.mktemp("first-hour"))
    made.install("hatchling", f"{built()['core'].wheel}[testing]")
    return made


async def asked(port, line):
    """Send one line to a transport, and return its answer."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(json.dumps(line).encode() + b"\n")
        async with asyncio.timeout(10):
            return json.loads(await reader.readline())
    finally:
        writer.close()


async def test_the_first_hour(environment):
    run, folder = environment.run, environment.folder / "hour"
    folder.mkdir()

    written = run("gatewright", "plugins", "new", "acme", "--kind", "transport", cwd=folder)
    plugin = folder / "gatewright-transport-acme"
    source = plugin / "src" / "gatewright_transport_acme"
    assert f"next: cd {plugin.name} && pip install -e '.[test]' && pytest" in written
    run("pip", "install", "-q", "-e", ".[test]", cwd=plugin)

    port = free_port()
    edit(source / "settings.py", "= 9410", f"= {port}")
    edit(source / "backend.py", "source=self._context.name", 'source="lost"')
    broken = run("pytest", "-q", cwd=plugin, code=1)
    assert "rule TRANSPORT-2 " in broken, broken
    edit(source / "backend.py", 'source="lost"', "source=self._context.name")
    assert " passed" in run("pytest", "-q", cwd=plugin)

    rows = run("gatewright", "plugins", "list", "--kind", "transport", cwd=folder)
    assert re.search(r"transport +acme +installed .*gatewright-transport-acme 0\.1\.0", rows)

    sections = "auth: {anonymous: {}}\ntransports:\n  acme: {}\n"
    (folder / "gateway.yaml").write_text(sections)
    run("gatewright", "config", "check", "gateway.yaml", cwd=folder)
    assert re.search(r"transport +acme +in use", run("gatewright", "plugins", "list", cwd=folder))

    async with gateway(folder, sections, python=environment.python) as served:
        async with served.socket() as client:
            await client.send("{}")
            assert await asked(port, {"subjects": ["user:42"], "payload": "hi"}) == {"sent": 1}
            async with asyncio.timeout(10):
                assert json.loads(await client.recv())["payload"] == "hi"
        served.terminate()
        assert await served.exited() == 0


@pytest.fixture(scope="module")
def every_kind(environment):
    """A new plugin of each kind, installed; the index is not asked for anything."""
    folder = environment.folder / "kinds"
    plugins = {kind: folder / kind for kind in KINDS}
    for kind, place in plugins.items():
        assert main(["plugins", "new", "mine", "--kind", kind, "-o", str(place)]) == 0
    environment.install("--no-build-isolation", "--no-deps", *map(str, plugins.values()))
    return plugins


def test_a_new_plugin_of_each_kind_keeps_its_rules(environment, every_kind):
    def tried(kind):
        return environment.run("pytest", "-q", "-p", "no:cacheprovider", cwd=every_kind[kind])

    with ThreadPoolExecutor(2) as pool:
        outputs = dict(zip(KINDS, pool.map(tried, KINDS), strict=True))
    assert {kind for kind, output in outputs.items() if " passed" not in output} == set()


def config(folder, port):
    options = {
        "auth": {"secret": SECRET},
        "transport": {"port": port},
        "events": {"path": str(folder / "events.jsonl")},
        "dead_letters": {"path": str(folder / "letters.sqlite3")},
    }
    sections = {"transport": "transports", "extension": "extensions"}
    return "\n".join(
        f"{sections.get(kind, kind)}: {json.dumps({'mine': options.get(kind, {})})}"
        for kind in KINDS
    )


def token_of(environment, user):
    """Return a token that the new authentication signs."""
    issue = (
        "from gatewright_auth_mine.backend import MineAuthenticator as A;"
        "from gatewright_auth_mine.settings import MineSettings as S;"
        f"print(A(S(secret={SECRET!r})).sign({user!r}))"
    )
    return environment.evaluate(issue)


async def test_one_gateway_serves_with_a_new_plugin_of_each_kind(environment, every_kind, tmp_path):
    port = free_port()
    sections = config(tmp_path, port)
    file = tmp_path / "gateway.yaml"
    file.write_text(sections)
    environment.run("gatewright", "config", "check", str(file))
    listed = json.loads(environment.run("gatewright", "plugins", "list", "-c", str(file), "--json"))
    mine = {row["kind"]: row["state"] for row in listed if row["name"] == "mine"}
    assert mine == dict.fromkeys(KINDS, "in use")

    token = token_of(environment, "42")
    async with gateway(tmp_path, sections, python=environment.python) as served:
        async with served.socket(token) as client:
            await client.send('{"n": 1}')
            assert await asked(port, {"subjects": ["user:42"], "payload": "hi"}) == {"sent": 1}
            async with asyncio.timeout(10):
                assert json.loads(await client.recv())["payload"] == "hi"
        assert "message_received" in (await served.get("/internal/mine")).json()
        served.terminate()
        assert await served.exited() == 0
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    types = [json.loads(line["body"])["type"] for line in lines]
    assert types == ["connected", "message_received", "disconnected"]
    assert (tmp_path / "letters.sqlite3").is_file()
