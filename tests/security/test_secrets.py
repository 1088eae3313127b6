"""Secrets of every sort through every sort of trouble: none is ever told."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import asynccontextmanager

import pytest
from tests.support.gateway import config_text, gateway, http_client, start
from tests.support.raw import exchange, upgrade
from tests.support.receiver import receiver
from tests.support.survival import eventually
from tests.support.tokens import token
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from gatewright.config.load import load_config
from gatewright.errors import ConfigError

pytestmark = pytest.mark.anyio

SHARED = "canary-shared-secret-of-tokens-that-is-long-enough-for-HS256"
ROUTES = """
from starlette.routing import Route

class Backend:
    def routes(self):
        async def boom(request):
            token = request.headers["authorization"]
            key = request.headers["x-api-key"]
            raise RuntimeError("boom")
        return [Route("/boom", boom), Route("/internal/boom", boom)]

    def on_event(self, event):
        body = event.body
        raise RuntimeError("observed")
"""
SINK = """
class Backend:
    async def send(self, batch):
        password = "canary-" + "in-a-local-variable"
        raise RuntimeError("no")
"""


def sections(backend, style):
    url = backend.url.replace("://", "://user:canary-password@") + "?token=canary-query"
    return f"""
auth:
  jwt: {{algorithms: [HS256], public_key: {SHARED}}}
session: {{refresh: true}}
transports:
  http: {{api_keys: [canary-api-key, canary-old-key]}}
extensions: {{routes: {{}}}}
events:
  webhook:
    url: {url}
    secret: canary-webhook-secret
    signing_secrets: [whsec_Y2FuYXJ5LXNpZ25pbmctc2VjcmV0]
    attempts: 2
    base_seconds: 0.05
  sink: {{attempts: 1}}
logging: {{format: {style}, level: debug}}
"""


async def trouble(running, good, backend):
    """Do everything that goes wrong with a secret in hand."""
    forged = good[:-4] + "AAAA"
    for offered in (good, forged, token(key=SHARED, algorithm="HS256", expires_in=-5)):
        for url, headers in (
            (running.url, {"Authorization": f"Bearer {offered}"}),
            (f"{running.url}?token={offered}&access_token={offered}", {}),
            (f"{running.url}?token=%00{offered}", {}),
        ):
            async with connect(url, additional_headers=headers) as client:
                try:
                    await client.send(json.dumps({"type": "refresh", "token": forged}))
                    assert await client.recv() == '{"type":"refresh_failed"}'
                except ConnectionClosed:
                    assert client.close_code == 4401
    for head in (
        upgrade(f"/ws?token={good}", b"Sec-WebSocket-Protocol: bearer, %b\xff\r\n" % good.encode()),
        upgrade(f"/else?token={good}"),
        upgrade(f"/ws?token={good}", b"X-Padding: " + b"p" * 17_000 + b"\r\n"),
        f"GET /ws?token={good} HTTP/1.1\r\nBroken {good}\r\n\r\n".encode(),
    ):
        assert await exchange(running.host, head)
    async with http_client() as client:
        for key in ("canary-api-key", "canary-wrong-key"):
            auth = {"X-Api-Key": key, "Authorization": f"Bearer {good}"}
            for path in ("/boom", "/internal/boom", f"/internal/connections?token={good}"):
                await client.get(running.http + path, headers=auth)
            for body in (b"{", b'{"api_key":"canary-wrong-key"}', b'{"api_key":"canary-api-key",'):
                await client.post(running.http + "/internal/publish", content=body, headers=auth)
    await backend.requests_until(4)  # one for each event at least; who gets which answer is open


async def everything_told(running):
    metrics, ready = await running.get("/metrics"), await running.get("/ready")
    return metrics.text + ready.text


@pytest.mark.parametrize("style", ["json", "console"])
async def test_no_trouble_tells_a_secret(tmp_path, made, style):
    made.plugin("extension", "routes", ROUTES)
    made.plugin("events", "sink", SINK, settings="SinkSettings")
    good = token(key=SHARED, algorithm="HS256")
    async with receiver(lambda _request, number: 500 if number % 2 else 301) as backend:
        text = sections(backend, style)
        if style == "json":
            serving = gateway(tmp_path, text, environ=made.environ)
        else:
            serving = in_words(tmp_path, text, made)
        async with serving as running:
            await trouble(running, good, backend)
            told = await everything_told(running)

            async def traced():
                return "boom" in "".join(running.raw_logs)

            await eventually(traced)
            running.terminate()
            assert await running.exited() == 0
    told += "".join(running.raw_logs)
    letters = (tmp_path / "state" / "dead-letters.jsonl").read_text()
    for told_by in (told, letters):
        for part in ("canary", SHARED, good, good.split(".")[2], good[:-4], "Y2FuYXJ5"):
            assert part not in told_by
    assert "Traceback" in told  # tracebacks there are: they show no values


@asynccontextmanager
async def in_words(directory, text, made):
    """Run a gateway that logs for people, whose "serving" is read as a person would."""
    path = directory / "gateway.yaml"
    path.write_text(config_text(text))
    running = await start(path, environ=made.environ)
    reading = asyncio.create_task(running.read_logs())

    async def is_serving():
        found = re.search(r"serving +bind=(\S+)", "".join(running.raw_logs))
        running.host = running.internal = found[1] if found else ""
        return bool(found)

    try:
        await eventually(is_serving, 30)
        yield running
    finally:
        if running.process.returncode is None:
            running.process.kill()
        await running.process.wait()
        await reading


def test_a_loaded_configuration_shows_no_secret():
    text = config_text(
        f"auth: {{jwt: {{algorithms: [HS256], public_key: {SHARED}}}}}\n"
        "transports: {http: {api_keys: [canary-key]}}\n"
        "events: {webhook: {url: 'http://u:canary-password@x/?t=canary', secret: canary-secret}}"
    )
    config = load_config(text=text)
    shown = repr(config) + str(config)
    for selected in (one for chosen in config.plugins.values() for one in chosen):
        shown += repr(selected.settings) + str(selected.settings.model_dump())
        shown += selected.settings.model_dump_json()
    assert "canary" not in shown


@pytest.mark.parametrize(
    "section",
    [
        "transports: {http: {api_keys: {canary-key: 1}}}",
        "transports: {http: {api_keys: [[canary-key]]}}",
        "auth: {jwt: {algorithms: [HS256], public_key: [canary-key]}}",
        'auth: {jwt: {public_key: "-----BEGIN PUBLIC KEY-----\\ncanary\\n-----END PUBLIC KEY"}}',
        "events: {webhook: {url: 'http://u:canary@exa mple/'}}",
        "events: {webhook: {url: 'http://x/', signing_secrets: [whsec_canary!]}}",
        "events: {webhook: {url: 'http://x/', secret: {canary: canary}}}",
        "auth: {jwt: {jwks_url: 'http://u:canary@x/'}}",
    ],
)
def test_a_bad_secret_is_refused_without_being_shown(section):
    with pytest.raises(ConfigError) as refused:
        load_config(text=config_text(section))
    assert str(refused.value)
    assert "canary" not in str(refused.value) + repr(refused.value)
