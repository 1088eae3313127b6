"""Tokens in the shapes that the page about identity providers tells, each before a real gateway."""

import json

import pytest
from tests.support.gateway import gateway
from tests.support.tokens import public_pem, token
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

SHAPES = {
    "keycloak": (
        {"issuer": "https://id.example.com/realms/app", "audience": "gateway"},
        {"iss": "https://id.example.com/realms/app", "aud": ["gateway", "account"], "sub": "f3a"},
        "user:f3a",
    ),
    "auth0": (
        {
            "issuer": "https://app.auth0.com/",
            "audience": "https://api.example.com",
            "subjects_claim": "https://app.example.com/rooms",
        },
        {
            "iss": "https://app.auth0.com/",
            "aud": ["https://api.example.com", "https://app.auth0.com/userinfo"],
            "sub": "auth0|5f7c",
            "https://app.example.com/rooms": ["room:7"],
        },
        "room:7",
    ),
    "entra": (
        {"issuer": "https://login.microsoftonline.com/t/v2.0", "user_id_claim": "oid"},
        {"iss": "https://login.microsoftonline.com/t/v2.0", "oid": "0a1b", "sub": "pairwise"},
        "user:0a1b",
    ),
    "cognito": (
        {"issuer": "https://cognito-idp.eu-west-1.amazonaws.com/p"},
        {
            "iss": "https://cognito-idp.eu-west-1.amazonaws.com/p",
            "client_id": "c",
            "token_use": "access",
            "sub": "77",
        },
        "user:77",
    ),
}


@pytest.fixture(params=SHAPES.values(), ids=SHAPES)
def shape(request):
    return request.param


def serving(folder, options):
    (folder / "public.pem").write_bytes(public_pem())
    options = {"public_key_file": "public.pem", "user_id_claim": "sub", **options}
    return gateway(folder, "auth: " + json.dumps({"jwt": options}))


def socket(running, claims):
    return connect(running.url, subprotocols=["bearer", token(None, **claims)])


async def test_the_providers_token_is_good_for_its_user(tmp_path, shape):
    options, claims, subject = shape
    async with serving(tmp_path, options) as running, socket(running, claims) as client:
        assert await running.publish("hi", subject) == 1
        assert json.loads(await client.recv())["payload"] == "hi"


async def test_an_issuer_without_its_slash_and_a_token_for_another_api_are_refused(tmp_path):
    options, claims, _ = SHAPES["auth0"]
    async with serving(tmp_path, options) as running:
        for wrong in ({"iss": claims["iss"].rstrip("/")}, {"aud": "https://other.example.com"}):
            async with socket(running, claims | wrong) as client:
                with pytest.raises(ConnectionClosed) as closed:
                    await client.recv()
            assert closed.value.rcvd.code == 4401


async def test_a_claim_within_a_claim_gives_no_subjects(tmp_path):
    claims = {"sub": "42", "realm_access": {"roles": ["admin"]}}
    async with (
        serving(tmp_path, {"subjects_claim": "realm_access.roles"}) as running,
        socket(running, claims),
    ):
        assert await running.publish("hi", "admin") == 0
        assert await running.publish("hi", "user:42") == 1


async def test_a_token_that_is_no_jwt_is_told_as_malformed(tmp_path):
    async with serving(tmp_path, {}) as running:
        async with connect(running.url, subprotocols=["bearer", "opaque"]) as client:
            with pytest.raises(ConnectionClosed):
                await client.recv()
        assert (await running.logged("handshake refused"))["reason"] == "malformed"
