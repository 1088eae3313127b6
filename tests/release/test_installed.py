"""The main job, done by the wheels alone: what `pip install` puts into an empty environment.

The environment knows the checkout neither by path nor by an editable installation, and everything
is run from a folder outside of it.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from scripts.release.distributions import distributions
from tests.support.gateway import API_KEY, gateway
from tests.support.markdown import ROOT
from tests.support.receiver import receiver
from tests.support.wheels import Environment, built

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

OUTSIDE = {"PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": ""}
PUBLISHING = """
from gatewright_sdk import Settings
from gatewright_sdk.sync import Publisher

settings = Settings.from_env({"WS_GATEWAY_BASE_URL": %r, "WS_GATEWAY_API_KEY": %r})
with Publisher.from_settings(settings) as publisher:
    print(publisher.send("42", "hello").sent)
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    made = Environment.make(tmp_path_factory.mktemp("installed"))
    wheels = [
        f"{each.wheel}{'[http]' if where == 'sdk' else ''}" for where, each in built().items()
    ]
    made.install("--constraint", str(ROOT / "constraints.txt"), *wheels)
    return made


def test_every_distribution_is_installed_from_its_wheel_and_nothing_is_missing(environment):
    packages = {each.package: each.name for each in distributions(ROOT)}
    source = (
        "import importlib, importlib.metadata as m, json;"
        f"print(json.dumps({{p: [importlib.import_module(p).__file__, m.version(d)]"
        f" for p, d in {packages!r}.items()}}))"
    )
    found = json.loads(environment.evaluate(source))

    site = environment.folder / "venv" / "lib"
    assert {package for package, (file, _) in found.items() if site in Path(file).parents} == {
        *packages
    }
    assert {version for _, version in found.values()} == {distributions(ROOT)[0].version}
    assert "No broken requirements found" in environment.run("pip", "check")


def test_the_commands_of_core_and_plugins_are_there(environment):
    said = environment.run("gatewright", "--help")
    for command in ("serve", "send", "keys", "token", "publish", "connections"):
        assert f" {command} " in said
    rows = json.loads(environment.run("gatewright", "plugins", "list", "--json"))
    assert {row["state"] for row in rows} == {"installed"}, rows
    offered = {row["distribution"] for row in rows}
    assert {
        each.name for each in distributions(ROOT) if each.where.startswith("plugins/")
    } <= offered
    scripts = environment.folder / "venv" / "bin"
    assert (scripts / "gatewright").is_file()
    assert (scripts / "gatewright-consume").is_file()


def sections(receiver_url):
    return f"""\
auth: {{jwt: {{public_key_file: keys/public.pem}}}}
transports: {{http: {{api_keys: [{API_KEY}]}}}}
events: {{webhook: {{url: "{receiver_url}", secret: hooked}}}}
presence: {{memory: {{}}}}
"""


async def test_the_main_job(environment, tmp_path):
    environment.run("gatewright", "keys", "--out", "keys", cwd=tmp_path)
    token = environment.run(
        "gatewright", "token", "--user", "42", "--key", "keys/private.pem", cwd=tmp_path
    ).strip()

    async with receiver() as backend:
        (tmp_path / "gateway.yaml").write_text(sections(backend.url))
        environment.run("gatewright", "config", "check", "gateway.yaml", cwd=tmp_path)
        async with gateway(
            tmp_path, sections(backend.url), environ=OUTSIDE, python=environment.python
        ) as served:
            async with served.socket(token) as client:
                await client.send('{"say":"hi"}')
                events = await backend.events(2)
                assert [each["type"] for each in events] == ["connected", "message_received"]
                assert events[1]["message"] == {"say": "hi"}

                answer = await served.get(
                    "/internal/connections?user_id=42", headers={"X-Api-Key": API_KEY}
                )
                (present,) = answer.json()["connections"]
                assert present["subjects"] == ["user:42"]

                assert await published(environment, served.http) == "1"
                async with asyncio.timeout(10):
                    assert json.loads(await client.recv()) == {"type": "event", "payload": "hello"}

                served.terminate()
                await client.wait_closed()
                assert client.close_code == 1012
            assert await served.exited() == 0
        assert (await backend.events(3))[2]["type"] == "disconnected"


async def published(environment, url):
    """Publish with the SDK; return to how many connections it says that went."""
    return await asyncio.to_thread(environment.evaluate, PUBLISHING % (url, API_KEY))
