"""The scripted servers answer as told, and remember what they were asked."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from tests.plugins.auth_jwt.support import public_jwk, token

from gatewright.testing.harness import running_gateway
from gatewright.testing.servers import Answer, KeySetServer, WebhookServer

pytestmark = pytest.mark.anyio


@pytest.fixture
async def http():
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


async def test_a_webhook_is_taken_and_remembered(http):
    async with WebhookServer.start() as backend:
        for number in range(2):
            answer = await http.post(backend.url, json={"n": number}, headers={"X-Number": "7"})
            assert (answer.status_code, answer.content) == (204, b"")
        assert await backend.wait_for_events(2) == [{"n": 0}, {"n": 1}]
    first = backend.requests[0]
    assert (first.method, first.path) == ("POST", "/internal/ws/events")
    assert first.headers["x-number"] == "7"


async def test_a_script_answers_by_number_and_may_wait(http):
    release = asyncio.Event()

    async def script(request, number):
        await release.wait()
        return Answer(503, b"later", {"Retry-After": "1"}) if number == 0 else Answer(200, b"ok")

    async with WebhookServer.start(script) as backend:
        waiting = asyncio.create_task(http.post(backend.url, content=b"1"))
        await backend.wait_for_requests(1)
        assert not waiting.done()
        release.set()
        refused = await waiting
        assert (refused.status_code, refused.text) == (503, "later")
        assert refused.headers["retry-after"] == "1"
        assert (await http.post(backend.url, content=b"2")).text == "ok"
        assert await backend.wait_for_events(1) == [2]
        assert [request.body for request in backend.requests] == [b"1", b"2"]


async def test_what_does_not_come_is_told():
    async with WebhookServer.start() as backend:
        with pytest.raises(AssertionError, match=r"only 0 of 1 within 0\.05 s"):
            await backend.wait_for_events(1, seconds=0.05)


async def test_the_end_waits_for_nobody(http):
    async def never(_request, _number):
        await asyncio.Event().wait()

    async with WebhookServer.start(never) as backend:
        waiting = asyncio.create_task(http.post(backend.url, content=b"1"))
        await backend.wait_for_requests(1)
    with pytest.raises(httpx.TransportError):
        await waiting


async def test_a_body_in_chunks_is_whole(http):
    async def chunks():
        for each in (b"[1,", b"2]"):
            yield each

    async with WebhookServer.start() as backend:
        await http.post(backend.url, content=chunks())
        assert await backend.wait_for_events(1) == [[1, 2]]


async def test_a_gateway_tells_a_webhook():
    async with WebhookServer.start() as backend:
        config = {"events": {"webhook": {"url": backend.url}}}
        async with running_gateway(config) as gateway, gateway.connect("7") as client:
            await client.send('{"n":1}')
            events = await backend.wait_for_events(2)
        assert [event["type"] for event in events] == ["connected", "message_received"]


async def test_a_gateway_takes_its_keys_from_a_key_set():
    async with KeySetServer.start() as keys:
        keys.serve(public_jwk("RSA", kid="1"))
        config = {"auth": {"jwt": {"jwks_url": keys.url}}}
        async with running_gateway(config) as gateway:
            await gateway.until_ready()
            signed = token("RSA", header={"kid": "1"}, user_id="7")
            async with gateway.connect(signed):
                await gateway.events.wait_for("connected", user="7")
        assert keys.asked.is_set()
        assert keys.requests[0].path == "/.well-known/jwks.json"


async def test_a_key_set_server_answers_by_a_script(http):
    async with KeySetServer.start() as keys:
        assert json.loads((await http.get(keys.url)).text) == {"keys": []}
        keys.script = lambda _request, _number: Answer(500)
        assert (await http.get(keys.url)).status_code == 500
