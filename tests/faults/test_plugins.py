"""Plugins that fail to import, to open, to close, or while they work: rows 42, 43, 44 and 45."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from tests.support.gateway import API_KEY, config_text, gateway
from tests.support.made import MadePlugins, ended
from tests.support.receiver import receiver
from tests.support.survival import counted, eventually, rises, survived
from websockets.asyncio.client import connect

pytestmark = pytest.mark.anyio

# -- rows 42, 43 and 45: coming up and going down --------------------------------------------------


async def test_plugins_that_cannot_be_loaded_are_named_together(tmp_path, made):
    made.module("raises", "raise RuntimeError('while importing')")
    made.distribution("raises", "extension", "raises")
    made.module("leaves", "import sys\nsys.exit(0)")
    made.distribution("leaves", "extension", "leaves")
    made.module(
        "hooked",
        """
        from gatewright import hookimpl
        GATEWRIGHT_API = (1, 0)
        @hookimpl
        def gatewright_extension():
            raise KeyError("in the hook")
        """,
    )
    made.distribution("hooked", "extension", "hooked")
    text = config_text("extensions:\n  raises: {}\n  leaves: {}\n  hooked: {}")
    code, output = await ended(tmp_path, text, made)
    assert code == 2
    for name, problem in (
        ("raises", "RuntimeError: while importing"),
        ("leaves", "SystemExit: 0"),
        ("hooked", "KeyError: 'in the hook'"),
    ):
        (line,) = [line for line in output.splitlines() if f"extensions.{name}:" in line]
        assert f"'{name}' (acme-{name} 1.0)" in line
        assert problem in line
    assert "Traceback" not in output
    checked, same = await ended(tmp_path, text, made, command="check")
    assert (checked, same) == (2, output)


FIRST = """
class Backend:
    pass
"""
CLOSES = """
    with open("first", "w") as out:
        out.write("open")
    yield Backend()
    with open("first", "w") as out:
        out.write("closed")
"""


@pytest.mark.parametrize(
    ("opening", "problem"),
    [
        ("raise OSError('no such thing'); yield", "did not open: OSError: no such thing"),
        ("await asyncio.sleep(60); yield", "did not open within 0.5 s (server.open_seconds)"),
    ],
)
async def test_a_plugin_that_does_not_open_ends_the_start(tmp_path, made, opening, problem):
    sink = "class Backend:\n    async def send(self, batch):\n        return []\n"
    made.plugin("events", "first", sink, CLOSES, settings="SinkSettings")
    made.plugin("extension", "second", "", opening)
    text = config_text(
        "server: {bind: '127.0.0.1:0', open_seconds: 0.5}\n"
        "events: {first: {}}\nextensions: {second: {}}"
    )
    code, output = await ended(tmp_path, text, made)
    assert code == 3
    assert output.splitlines()[-1] == f"plugin 'second' (acme-second 1.0) {problem}"
    assert "Traceback" not in output
    assert (tmp_path / "first").read_text() == "closed"  # what was open is closed again


async def test_plugins_that_hang_at_the_end_do_not_keep_the_process(tmp_path, made):
    made.plugin(
        "extension",
        "hangs",
        """
        class Backend:
            async def run(self):
                while True:
                    try:
                        await asyncio.sleep(60)
                    except asyncio.CancelledError:
                        pass
        """,
    )
    made.plugin(
        "extension",
        "lingers",
        "class Backend: pass",
        "yield Backend()\n    await asyncio.sleep(60)",
    )
    sections = (
        "server: {bind: '127.0.0.1:0', open_seconds: 0.3}\nextensions: {hangs: {}, lingers: {}}"
    )
    async with gateway(tmp_path, sections, environ=made.environ) as running:
        async with running.socket() as client:
            running.terminate()
            await client.wait_closed()
            assert client.close_code == 1012
        assert await running.exited(15) == 0
    told = {entry["event"]: entry.get("plugin") for entry in running.logs}
    assert told["plugin hangs and is abandoned"] == "hangs"
    assert told["plugin does not close in time and is cancelled"] == "lingers"


# -- row 44: while they work -----------------------------------------------------------------------

AUTH = """
class Backend:
    async def authenticate(self, handshake):
        how = handshake.query["token"][0]
        if how.startswith("raise"):
            raise RuntimeError("canary-in-the-text")
        if how == "hang":
            await asyncio.sleep(60)
        if how == "nothing":
            return None
        return {
            "number": Identity(42),
            "no-subjects": Identity("a", subjects=None),
            "no-time": Identity("a", close_at="soon"),
            "not-a-time": Identity("a", close_at=float("nan")),
            "protocol": Identity("a", subprotocol="never offered"),
            "forged": Identity("a", subjects=("user:b",)),
            "control": Identity("a\\nb"),
            "empty": Identity(""),
        }.get(how, Identity(how))

    async def reauthenticate(self, token, identity):
        raise RuntimeError("canary-in-the-text")
"""
RATE_LIMIT = """
class Admission:
    def admit(self):
        raise RuntimeError("no more")

class Backend:
    per_second = 10.0
    burst = 20.0

    def admission(self, connection):
        if connection.user_id == "unlucky":
            return Admission()
        return None
"""
PRESENCE = """
class Backend:
    refresh_seconds = 0.2

    async def joined(self, batch):
        raise RuntimeError("the store is away")

    left = refresh = joined

    async def find(self, *, subject=None, user_id=None, cursor=None, limit=None):
        raise RuntimeError("the store is away")
"""
SINK = """
class Backend:
    async def send(self, batch):
        if batch[0].type == "connected":
            raise RuntimeError("canary-in-the-text")
        if batch[0].type == "message_received":
            await asyncio.sleep(60)
        return []
"""
OBSERVER = """
class Backend:
    def on_event(self, event):
        raise RuntimeError("disk full")
"""
RUNNER = """
class Backend:
    async def run(self):
        await asyncio.sleep(0.05)
        raise RuntimeError("no")

    def health(self):
        raise RuntimeError("canary-in-the-text")
"""
SECTIONS = """
limits: {handshake_seconds: 0.5}
lanes: {max_age: 2}
session: {refresh: true}
auth: {auth: {}}
rate_limit: {limiter: {}}
presence: {presence: {}}
extensions: {observer: {}, runner: {}}
events:
  sink: {attempts: 2, base_seconds: 0.05, timeout_seconds: 0.2}
"""


@pytest.fixture(scope="module")
async def broken(tmp_path_factory):
    """A gateway in which nearly every plugin fails, beside a webhook that works."""
    directory = tmp_path_factory.mktemp("gateway")
    made = MadePlugins(directory / "plugins")
    made.plugin("auth", "auth", AUTH)
    made.plugin("rate_limit", "limiter", RATE_LIMIT)
    made.plugin("presence", "presence", PRESENCE)
    made.plugin("events", "sink", SINK, settings="SinkSettings")
    made.plugin("extension", "observer", OBSERVER)
    made.plugin("extension", "runner", RUNNER)
    async with receiver() as backend:
        sections = f"{SECTIONS}  webhook: {{url: '{backend.url}'}}\n"
        async with gateway(directory, sections, environ=made.environ) as running:
            running.backend = backend
            yield running


async def close_of(running, token):
    async with connect(f"{running.url}?token={token}") as client:
        async with asyncio.timeout(5):
            await client.wait_closed()
        return client.close_code, client.close_reason


async def works(running, user="good"):
    """Assert that somebody else is served all the same."""
    async with connect(f"{running.url}?token={user}") as client:
        await client.send('{"type":"ping"}')
        assert await client.recv() == '{"type":"pong"}'
        assert await running.publish({"still": "here"}, f"user:{user}") == 1
        assert json.loads(await client.recv())["payload"] == {"still": "here"}


@pytest.mark.parametrize(
    "how",
    ["raise", "hang", "nothing", "number", "no-subjects", "no-time", "not-a-time", "protocol"],
)
async def test_authentication_that_fails_lets_nobody_in(broken, how):
    async with counted(broken, "gatewright_handshakes_total", result="unavailable"):
        assert await close_of(broken, how) == (1013, "try later")
    await works(broken)
    await survived(broken, "canary-in-the-text")


@pytest.mark.parametrize("how", ["forged", "control"])
async def test_authentication_that_lies_lets_nobody_in(broken, how):
    async with counted(broken, "gatewright_handshakes_total", result="refused"):
        assert await close_of(broken, how) == (4401, "")
    await works(broken)


async def test_a_refresh_that_fails_leaves_the_connection(broken):
    async with connect(f"{broken.url}?token=keeps") as client:
        await client.send('{"type":"refresh","token":"x"}')
        assert await client.recv() == '{"type":"refresh_failed"}'
        await client.send('{"type":"ping"}')
        assert await client.recv() == '{"type":"pong"}'


async def test_a_failing_observer_is_off_and_events_go_on(broken):
    await works(broken, "observed")
    await eventually(lambda: is_off(broken))
    assert await broken.metric("gatewright_observers_off_total", plugin="observer") == 1
    await broken.backend.until(
        lambda taken: (
            [one.type for one in taken if one.event["user_id"] == "observed"]
            == ["connected", "disconnected"]
        )
    )


async def is_off(running):
    parts = (await running.get("/ready")).json()["parts"]
    return "extensions.observer.observer" in parts


async def test_a_failing_sink_has_its_events_written_down_and_another_gets_its_own(broken):
    async with counted(broken, "gatewright_dead_letters_total", store="file", result="written"):
        async with connect(f"{broken.url}?token=sunk") as client:
            await client.send('{"n":1}')
    types = ["connected", "message_received", "disconnected"]
    await broken.backend.until(
        lambda taken: [one.type for one in taken if one.event["user_id"] == "sunk"] == types
    )
    letters = broken.directory / "state" / "dead-letters.jsonl"

    async def all_written():
        if not letters.exists():
            return False
        lines = [json.loads(line) for line in letters.read_text().splitlines()]
        return [line["type"] for line in lines if line["user_id"] == "sunk"] == types

    await eventually(all_written)
    await survived(broken, "canary-in-the-text")


async def test_a_failing_presence_store_is_counted_and_answered_with_503(broken):
    await works(broken, "unseen")
    await eventually(lambda: rises(broken, 0, "gatewright_presence_failures_total", call="joined"))
    answer = await broken.get("/internal/connections", headers={"X-Api-Key": API_KEY})
    assert answer.status_code == 503
    await survived(broken, "canary-in-the-text")


async def test_a_run_that_raises_is_started_again_and_red(broken):
    async with counted(broken, "gatewright_plugin_restarts_total", plugin="extensions.runner"):
        report = await broken.get("/ready")
    assert report.status_code == 503
    part = report.json()["parts"]["extensions.runner"]
    assert part["ready"] is False
    assert "health raised RuntimeError" in part["detail"]
    await survived(broken, "canary-in-the-text")


async def test_a_rate_limit_that_raises_costs_its_own_connection_only(broken):
    async with connect(f"{broken.url}?token=unlucky") as client:
        await client.send('{"n":1}')
        await client.wait_closed()
        assert client.close_code == 1011
    await works(broken)
    answer = await broken.get("/health")
    assert answer.json() == {"ok": True}


BUS = """
class Backend:
    async def publish(self, message, *, count):
        raise RuntimeError("canary-in-the-text")

    async def run(self, deliver):
        await asyncio.sleep(3600)
"""


async def test_a_bus_that_raises_is_an_error_to_the_publisher_and_nobody_else(tmp_path, made):
    made.plugin("bus", "bus", BUS)
    async with gateway(tmp_path, "bus: {bus: {}}", environ=made.environ) as running:
        async with running.socket() as client:
            with pytest.raises(httpx.HTTPStatusError) as refused:
                await running.publish("lost")
            assert refused.value.response.status_code >= 500
            assert "canary" not in refused.value.response.text
            await client.send('{"type":"ping"}')
            assert await client.recv() == '{"type":"pong"}'
        assert (await running.get("/health")).json() == {"ok": True}


# -- strict start ----------------------------------------------------------------------------------

NEVER_READY = """
from gatewright import Health

class Backend:
    reach = "node"

    async def run(self, *_publish):
        await asyncio.sleep(3600)

    def health(self):
        return Health(ready=False, detail="the other side is away")
"""


@pytest.mark.parametrize(
    ("kind", "section", "key"),
    [
        ("extension", "extensions", "extensions.away"),
        ("transport", "transports", "transports.away"),
    ],
)
async def test_strict_start_ends_with_3_naming_what_is_not_ready(
    tmp_path, made, kind, section, key
):
    settings = "TransportSettings" if kind == "transport" else "NoSettings"
    made.plugin(kind, "away", NEVER_READY, settings=settings)
    text = config_text(
        "server: {bind: '127.0.0.1:0', strict_start: true, start_seconds: 0.5}\n"
        f"{section}: {{away: {{}}}}"
    )
    code, output = await ended(tmp_path, text, made)
    assert code == 3
    told = f"not ready within 0.5 s (server.start_seconds): {key}: the other side is away"
    assert output.splitlines()[-1] == told


async def test_strict_start_serves_once_all_are_ready(tmp_path, made):
    soon = NEVER_READY.replace("await asyncio.sleep(3600)", "await asyncio.sleep(0.3); self.ok = 1")
    soon = soon.replace("ready=False, detail", "ready=hasattr(self, 'ok'), detail")
    soon = soon.replace("self.ok = 1", "self.ok = 1; await asyncio.sleep(3600)")
    made.plugin("transport", "soon", soon, settings="TransportSettings")
    sections = (
        "server: {bind: '127.0.0.1:0', strict_start: true, start_seconds: 10}\n"
        "transports: {soon: {}}"
    )
    async with gateway(tmp_path, sections, environ=made.environ) as running:
        assert (await running.get("/ready")).status_code == 200


# -- backends that lack something ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "section", "lacks"),
    [
        ("transport", "transports", "'reach' and 'run', which Transport asks for"),
        ("events", "events", "'send', which EventSink asks for"),
        ("rate_limit", "rate_limit", "'per_second' and 'burst' and 'admission', which RateLimit"),
    ],
)
async def test_a_backend_that_lacks_something_is_named(tmp_path, made, kind, section, lacks):
    settings = {"transport": "TransportSettings", "events": "SinkSettings"}.get(kind, "NoSettings")
    made.plugin(kind, "bare", "class Backend: pass", settings=settings)
    code, output = await ended(tmp_path, config_text(f"{section}: {{bare: {{}}}}"), made)
    assert code == 3
    told = f"plugin 'bare' (acme-bare 1.0): what it opens lacks {lacks}"
    assert output.splitlines()[-1].startswith(told)
