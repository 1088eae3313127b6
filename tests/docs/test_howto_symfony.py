"""What the page about Symfony says stays, on a real gateway with the drop-in's file."""

import hashlib
import hmac
import json

import pytest
from tests.examples.test_files import EXAMPLES, serving
from tests.support.gateway import http_client
from tests.support.receiver import receiver
from tests.support.tokens import public_pem, token
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

DROP_IN = EXAMPLES / "symfony.yaml"


@pytest.fixture
async def backend():
    async with receiver() as backend:
        yield backend


@pytest.fixture
async def gateway(tmp_path, backend):
    """The drop-in, with an environment that knows no name but the old gateways'."""
    environ = {
        "GATEWAY_BIND": "127.0.0.1:0",
        "GATEWAY_API_KEY": "k",
        "JWT_PUBLIC_KEY": public_pem().decode(),
        "SYMFONY_WEBHOOK_URL": backend.url,
        "SYMFONY_WEBHOOK_SECRET": "s",
        "STATE_DIRECTORY": str(tmp_path),
    }
    async with serving(DROP_IN, **environ) as gateway:
        yield gateway


@pytest.mark.parametrize("parameter", ["token", "access_token"])
async def test_an_old_client_and_an_old_backend_notice_nothing(gateway, backend, parameter):
    endless = token(exp=None)
    async with connect(f"{gateway.url}?{parameter}={endless}") as client, http_client() as http:
        body = {"subjects": ["user:42"], "payload": {"n": 1}, "api_key": "k"}
        answer = await http.post(f"{gateway.http}/internal/publish", json=body)
        assert (answer.status_code, answer.text) == (200, '{"sent":1}')
        assert json.loads(await client.recv()) == {"type": "event", "payload": {"n": 1}}
        await client.send('{"say":"hi"}')
        (found,) = (await gateway.get("/internal/connections?user_id=42")).json()["connections"]
        assert list(found) == ["connection_id", "user_id", "subjects", "connected_at"]
        connected, said = await backend.events(2)

    assert connected == {"type": "connected", **found}
    assert said == {
        **found,
        "type": "message_received",
        "message": {"say": "hi"},
        "raw": '{"say":"hi"}',
    }


async def test_the_signature_is_the_one_that_the_bundle_checks(gateway, backend):
    async with connect(f"{gateway.url}?token={token()}"):
        (event,) = await backend.until(bool)

    expected = "sha256=" + hmac.new(b"s", event.body, hashlib.sha256).hexdigest()
    assert event.headers["X-Webhook-Signature"] == expected
    assert {"Webhook-Id", "X-Webhook-Seq"} <= set(event.headers)


async def test_a_refused_token_is_told_by_a_close_code(gateway):
    async with connect(f"{gateway.url}?token=wrong") as client:
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()

    assert closed.value.rcvd.code == 4401
