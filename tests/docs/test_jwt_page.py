"""The page about tokens: its file lets the provider's tokens in, and refuses as the table says."""

import json

import jwt
import pytest
from aiohttp import web
from tests.support.gateway import gateway
from tests.support.markdown import the_block
from tests.support.tokens import rsa_key, token
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

PAGE = "docs/howto/jwt.md"
CLAIMS = {
    "user_id": None,
    "sub": "42",
    "iss": "https://id.example.com/",
    "aud": "gateway",
    "rooms": ["room:7"],
}


@pytest.fixture
async def provider():
    """The address of a key set."""
    key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key().public_key()))
    app = web.Application()

    async def keys(_request):
        return web.json_response({"keys": [{**key, "use": "sig"}]})

    app.router.add_get("/keys", keys)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield "http://{}:{}/keys".format(*runner.addresses[0][:2])
    await runner.cleanup()


@pytest.fixture
async def running(tmp_path, provider):
    text = the_block(PAGE, "gateway").text
    assert text.count("https://id.example.com/keys") == 1
    sections = text.replace("https://id.example.com/keys", provider)
    async with gateway(
        tmp_path, sections + "server: {bind: '127.0.0.1:0', strict_start: true}\n"
    ) as it:
        yield it


async def test_a_token_of_the_provider_is_good_for_its_user_and_rooms(running):
    async with connect(running.url, subprotocols=["bearer", token(**CLAIMS)]) as client:
        for subject in ("user:42", "room:7"):
            assert await running.publish(subject, subject) == 1
            assert json.loads(await client.recv())["payload"] == subject


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "another"}, "audience"),
        ({"aud": None}, "no_aud"),
        ({"iss": "https://id.example.com"}, "issuer"),
        ({"sub": None, "user_id": "42"}, "user_id"),
        ({"rooms": ["user:1"]}, "subjects"),
        ({"exp": None}, "no_exp"),
        ({"exp": 1}, "expired"),
    ],
)
async def test_a_token_is_refused_for_the_reason_in_the_table(running, claims, reason):
    headers = {"Authorization": f"Bearer {token(**{**CLAIMS, **claims})}"}
    async with connect(running.url, additional_headers=headers) as client:
        with pytest.raises(ConnectionClosedError) as closed:
            await client.recv()

    assert closed.value.rcvd.code == 4401
    assert (await running.logged("handshake refused"))["reason"] == reason
