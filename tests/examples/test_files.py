"""Every YAML below examples/ makes a gateway that works."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from tests.support.gateway import start
from tests.support.markdown import ROOT
from tests.support.receiver import receiver
from tests.support.tokens import public_pem, token
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gatewright.config.load import load_config

pytestmark = pytest.mark.anyio

EXAMPLES = ROOT / "examples"


@asynccontextmanager
async def serving(path, **environ):
    """Serve a file on the ports it gets, until the end."""
    started = await start(path, environ=environ)
    reader = asyncio.create_task(started.read_logs())
    try:
        where = await started.logged("serving", 30)
        started.host = where["bind"]
        started.internal = where["internal_bind"] or where["bind"]
        yield started
    finally:
        if started.process.returncode is None:
            started.process.kill()
        await started.process.wait()
        await reader


def test_no_example_is_forgotten_here():
    assert {file.name for file in EXAMPLES.glob("*.yaml")} == {
        "cluster.yaml",  # this and the next three: in test_brokers.py
        "rabbitmq.yaml",
        "redis.yaml",
        "symfony.yaml",
        "gateway.yaml",  # below, and in test_tour.py
        "minimal.yaml",  # below
        "tour.yaml",  # in test_tour.py
    }


async def test_the_core_alone_serves_the_minimal_example(tmp_path):
    path = tmp_path / "minimal.yaml"
    path.write_text((EXAMPLES / "minimal.yaml").read_text() + '\nserver: {bind: "127.0.0.1:0"}\n')

    async with serving(path) as gateway:
        assert any("not for production" in entry["event"] for entry in gateway.logs)
        async with gateway.socket("alice") as client:
            await client.send('{"type":"ping"}')
            assert await client.recv() == '{"type":"pong"}'


def test_the_minimal_example_needs_no_plugin_but_the_cores_own():
    config = load_config(EXAMPLES / "minimal.yaml", environ={})

    chosen = {one.distribution.split()[0] for plugins in config.plugins.values() for one in plugins}
    assert chosen == {"gatewright"}


async def test_the_production_example_keeps_backends_and_clients_apart(tmp_path):
    (tmp_path / "public.pem").write_bytes(public_pem())
    async with (
        receiver() as backend,
        serving(
            EXAMPLES / "gateway.yaml",
            GATEWAY_BIND="127.0.0.1:0",
            GATEWAY_INTERNAL_BIND="127.0.0.1:0",
            GATEWAY_API_KEY="k",
            JWT_PUBLIC_KEY_FILE=str(tmp_path / "public.pem"),
            SYMFONY_WEBHOOK_URL=backend.url,
            STATE_DIRECTORY=str(tmp_path),
        ) as gateway,
    ):
        headers = {"Authorization": f"Bearer {token()}"}
        async with connect(
            gateway.url, origin="https://app.example.com", additional_headers=headers
        ) as client:
            assert await gateway.post('{"subjects":["user:42"],"payload":1}', key="k") == 1
            assert await client.recv() == '{"type":"event","payload":1}'
            assert (await backend.events(1))[0]["type"] == "connected"
            gateway.internal = gateway.host
            assert (await gateway.get("/internal/connections")).status_code == 404
        with pytest.raises(InvalidStatus, match="403"):
            await connect(gateway.url, origin="https://evil.example.com")


@pytest.mark.parametrize(
    ("environ", "sinks"),
    [
        ({}, ["webhook"]),
        ({"EVENTS_MODE": "webhook"}, ["webhook"]),
        ({"EVENTS_MODE": "none"}, []),
        ({"EVENTS_MODE": "broker"}, []),
    ],
)
def test_the_production_example_sends_events_as_the_environment_says(environ, sinks):
    needed = {"GATEWAY_API_KEY": "k", "JWT_JWKS_URL": "https://id.example.com/keys"}
    config = load_config(EXAMPLES / "gateway.yaml", environ=needed | environ)

    assert [one.name for one in config.plugins["events"]] == sinks


def test_the_production_example_takes_every_variable_its_page_names():
    page = (EXAMPLES / "README.md").read_text()
    page = page[page.index("## One gateway in production") : page.index("## In place of")]
    file = (EXAMPLES / "gateway.yaml").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    named = {name.strip(" `") for row in rows for name in row.split(",")} - {"STATE_DIRECTORY"}

    assert {name for name in named if name not in file} == set()
    assert len(named) > 15
