"""What the page about migrating says of tokens and subjects, on a real gateway."""

import json

import pytest
from tests.support.gateway import API_KEY, gateway, http_client
from tests.support.markdown import the_block
from tests.support.tokens import token
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

PAGE = "docs/howto/migrating.md"
SECRET = "a secret of at least thirty-two bytes"


@pytest.fixture
async def running(tmp_path):
    """A gateway with the page's configuration for the tokens of Centrifugo."""
    shown = the_block(PAGE, "centrifugo").text
    async with gateway(tmp_path, shown, environ={"JWT_SECRET": SECRET}) as running:
        yield running


def socket(running, **claims):
    """Connect with a token as Centrifugo takes them."""
    signed = token(None, key=SECRET, algorithm="HS256", **claims)
    return connect(running.url, subprotocols=["bearer", signed])


async def post(running, path, body):
    async with http_client() as client:
        url = f"{running.http}/internal/{path}"
        return (await client.post(url, json=body, headers={"X-Api-Key": API_KEY})).json()


async def test_a_token_of_centrifugo_brings_its_channels(running):
    async with socket(running, sub="42", channels=["news", "room:7"]) as client:
        for subject in ("news", "room:7", "user:42"):
            assert await running.publish(subject, subject) == 1
            assert json.loads(await client.recv())["payload"] == subject
        assert await running.publish("both", "news", "room:7") == 1
        assert await running.publish("last", "news") == 1
        heard = [json.loads(await client.recv())["payload"] for _ in range(2)]

    assert heard == ["both", "last"]


async def test_a_token_without_a_user_is_refused(running):
    async with socket(running, sub="", channels=["news"]) as client:
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()

    assert closed.value.rcvd.code == 4401


async def test_one_connection_joins_leaves_and_is_counted_and_closed(running):
    async with socket(running, sub="42") as client, socket(running, sub="42") as other:
        found = (await running.get("/internal/connections", headers={"X-Api-Key": API_KEY})).json()
        one, _ = [connection["connection_id"] for connection in found["connections"]]
        for change, sent in (("add", 1), ("remove", 0)):
            body = {"connection_id": one, change: ["room"]}
            assert await post(running, "subjects", body) == {"reached": 1}
            assert await running.publish(1, "room") == sent
        assert await post(running, "disconnect", {"user_id": "42"}) == {"reached": 2}
        for each in (client, other):
            with pytest.raises(ConnectionClosed):
                while True:
                    await each.recv()


async def test_a_topic_is_compared_as_text(running):
    async with socket(running, sub="42", channels=["*", "https://example.com/books/{id}"]):
        assert await running.publish(1, "https://example.com/books/1") == 0
        assert await running.publish(1, "https://example.com/books/{id}") == 1
