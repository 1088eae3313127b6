"""The command over a whole configuration: real backends, and a plugin that misbehaves."""

import asyncio
import json

import pytest
from tests.kits.redis.servers import command

from gatewright.testing.ports import free_port

pytestmark = pytest.mark.anyio

ACME = """
import asyncio
from contextlib import asynccontextmanager
from pydantic import SecretStr
from gatewright import Factory, Finding, SinkSettings, hookimpl

GATEWRIGHT_API = (1, 0)

class AcmeSettings(SinkSettings):
    token: SecretStr
    act: str

async def diagnose(settings, context):
    yield Finding.ok("reach", f"{context.name} at {context.key} for {context.node_id}")
    if settings.act == "hang":
        await asyncio.Event().wait()
    raise ConnectionError(f"no {settings.token.get_secret_value()} is welcome here")

@asynccontextmanager
async def open_sink(settings, context):
    yield object()

@hookimpl
def gatewright_events():
    return Factory(settings=AcmeSettings, open=open_sink, summary="acme", diagnose=diagnose)
"""


@pytest.fixture
def acme(plugin_env):
    plugin_env.module("acme_doctored", ACME)
    plugin_env.distribution("acme-doctored", "1.2", events={"acme": "acme_doctored"})


async def diagnosed(gatewright, folder, text, *arguments):
    """Run the command while real servers answer; return what it printed, also by part."""
    (folder / "gateway.yaml").write_text(text)
    seen = await asyncio.to_thread(gatewright, "doctor", "--json", *arguments)
    report = json.loads(seen.out)
    found = {(each["part"], each["check"]): each for each in report["findings"]}
    return seen, report, found


async def test_good_and_bad_backends_stand_side_by_side(gatewright, tmp_path, redis, rabbitmq):
    await command(redis.port, "CONFIG SET maxmemory-policy allkeys-lru")
    await command(redis.port, "CONFIG SET requirepass hush-hush")
    text = f"""
server: {{bind: "127.0.0.1:0"}}
auth: {{anonymous: {{}}}}
transports:
  rabbitmq: {{dsn: "{rabbitmq.dsn}"}}
  redis_stream/gone: {{dsn: "redis://:never-shown@127.0.0.1:{free_port()}"}}
events:
  redis_stream: {{dsn: "redis://:hush-hush@127.0.0.1:{redis.port}"}}
presence:
  redis: {{dsn: "redis://:guessed-it@127.0.0.1:{redis.port}"}}
"""

    seen, report, found = await diagnosed(gatewright, tmp_path, text)

    assert (seen.code, seen.err) == (1, "")
    assert (report["ok"], report["errors"], report["warnings"]) == (False, 2, 1)
    assert found["transports.rabbitmq", "rights"]["status"] == "ok"
    assert found["transports.redis_stream/gone", "reach"]["status"] == "error"
    assert found["presence.redis", "login"]["status"] == "error"
    assert found["events.redis_stream", "eviction"]["status"] == "warning"
    assert report["unexamined"] == [
        "auth.anonymous",
        "dead_letters.file",
        "rate_limit.token_bucket",
        "bus.memory",
    ]
    for secret in ("hush-hush", "never-shown", "guessed-it"):
        assert secret not in seen.out


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("act", "found"),
    [
        ("raise", "failed: ConnectionError: no *** is welcome here"),
        ("hang", "was not done within 1 s; it ended with: reach"),
    ],
)
async def test_a_plugin_that_fails_is_a_finding_and_no_traceback(gatewright, tmp_path, act, found):
    text = f"""
server: {{bind: "127.0.0.1:0", node_id: gw-7}}
auth: {{anonymous: {{}}}}
events: {{acme/eu: {{token: s3cr3t-t0ken, act: {act}}}}}
"""

    seen, _, findings = await diagnosed(gatewright, tmp_path, text, "--seconds", "1")

    assert (seen.code, seen.err) == (1, "")
    assert findings["events.acme/eu", "reach"]["found"] == "acme/eu at events.acme/eu for gw-7"
    assert findings["events.acme/eu", "diagnosis"]["found"] == (
        f"the diagnosis of events.acme/eu (acme-doctored 1.2) {found}"
    )
