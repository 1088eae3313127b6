"""The example backend in this process, before a gateway that only writes down what it is asked."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from tests.support.demo_backend import SOURCE
from tests.support.tokens import rsa_key

from demo_backend.app import WEBHOOK_PATH, create_app
from demo_backend.chat import ROOM
from demo_backend.settings import BackendSettings
from gatewright.testing.servers.scripted import Answer, answering

pytestmark = pytest.mark.anyio

SECRET = "webhook-secret"
PAGE = SOURCE / "demo_backend" / "page"


@dataclass
class Desk:
    """The backend, a client for it, and what it asked of the gateway.

    Attributes:
        connections: What the gateway tells of who is connected.
        published: What it was given to publish.
        webhook_path: Where it takes events.
    """

    client: httpx.AsyncClient
    connections: list
    published: list
    webhook_path: str = WEBHOOK_PATH

    async def event(self, kind, secret=SECRET, *, event_id="e1", **fields):
        """Post an event as the gateway does."""
        body = {
            "type": kind,
            "connection_id": "c1",
            "user_id": "alice",
            "subjects": ["user:alice", ROOM],
            "connected_at": 1700000000,
        } | fields
        data = json.dumps(body).encode()
        signature = hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()
        headers = {"X-Webhook-Signature": f"sha256={signature}", "Webhook-Id": event_id}
        return await self.client.post(self.webhook_path, content=data, headers=headers)

    async def says(self, message, **fields):
        return await self.event(
            "message_received", message=message, raw=json.dumps(message), **fields
        )


@asynccontextmanager
async def desk(**environ):
    connections, published = [], []

    async def gateway(request):
        if request.method == "GET":
            return Answer.of({"connections": connections})
        published.append(request.json())
        return Answer.of({"sent": 1})

    async with answering(gateway) as port:
        address = {"WS_GATEWAY_BASE_URL": f"http://127.0.0.1:{port}"}
        async with serving({"WS_WEBHOOK_SECRET": SECRET} | address | environ) as client:
            yield Desk(client, connections, published)


@asynccontextmanager
async def serving(environ):
    app = create_app(BackendSettings.from_env(environ))
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9000") as client,
    ):
        yield client


@pytest.fixture(scope="session")
def signing_key(tmp_path_factory):
    """The file of a private key."""
    file = tmp_path_factory.mktemp("keys") / "private.pem"
    file.write_bytes(
        rsa_key().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(file)


async def test_it_answers():
    async with desk() as at:
        assert (await at.client.get("/api/ping")).json() == {"ok": True}


async def test_the_last_message_is_shown_once_there_is_one():
    async with desk() as at:
        before = await at.client.get("/api/ws/last-message")
        assert (before.status_code, before.json()) == (404, {"error": "no message has come yet"})

        assert (await at.says({"n": 1})).status_code == 204
        assert (await at.says({"n": 2})).status_code == 204

        last = (await at.client.get("/api/ws/last-message")).json()
        assert (last["user_id"], last["message"], last["raw"]) == ("alice", {"n": 2}, '{"n": 2}')


@pytest.mark.parametrize("shown", [{}, {"X-Demo-Key": "wrong"}, {"X-Demo-Key": "kéy"}])
async def test_the_last_message_is_for_who_has_the_key(shown):
    async with desk(DEMO_KEY="the key") as at:
        headers = {name: value.encode() for name, value in shown.items()}
        refused = await at.client.get("/api/ws/last-message", headers=headers)
        known = await at.client.get("/api/ws/last-message", headers={"X-Demo-Key": "the key"})

    assert (refused.status_code, known.status_code) == (401, 404)
    assert "the key" not in refused.text


async def test_a_push_goes_to_the_user_it_names():
    async with desk() as at:
        answer = await at.client.post("/api/push-demo/a/b%20ü", json={"hello": "world"})

    assert answer.json() == {"user_id": "a/b ü", "sent": 1}
    assert at.published == [{"subjects": ["user:a/b ü"], "payload": {"hello": "world"}}]


@pytest.mark.parametrize(
    ("body", "status"), [(b"{oops", 400), (b"NaN", 400), (b"\xff", 400), (b'"' * 70_000, 413)]
)
async def test_a_push_of_what_is_no_json_or_too_much_is_refused(body, status):
    async with desk() as at:
        answer = await at.client.post("/api/push-demo/42", content=body)

    assert answer.status_code == status
    assert answer.json()["error"].startswith("the body ")
    assert at.published == []


async def test_a_gateway_that_is_away_is_told():
    away = {"WS_GATEWAY_BASE_URL": "http://127.0.0.1:9", "WS_WEBHOOK_SECRET": SECRET}
    async with serving(away) as client:
        pushed = await client.post("/api/push-demo/42", json=1)
        asked = await client.get("/api/online")

    assert (pushed.status_code, asked.status_code) == (503, 503)
    assert pushed.json()["error"]


async def test_who_is_online_is_told():
    async with desk() as at:
        at.connections += [connection("c1", "alice"), connection("c2", "bob")]
        everybody = (await at.client.get("/api/online")).json()
        at.connections.clear()
        nobody = (await at.client.get("/api/online?user_id=alice")).json()

    assert everybody["users"] == ["alice", "bob"]
    assert [one["connection_id"] for one in everybody["connections"]] == ["c1", "c2"]
    assert nobody == {"connections": [], "user_id": "alice", "online": False}


@pytest.mark.parametrize("kind", ["redis_stream", "rabbitmq", "none"])
async def test_webhooks_are_refused_with_404_where_events_come_otherwise(kind, redis, rabbitmq):
    async with desk(
        WS_EVENTS_TYPE=kind, WS_REDIS_DSN=redis.dsn, WS_RABBITMQ_DSN=rabbitmq.dsn
    ) as at:
        assert (await at.event("connected")).status_code == 404


async def test_a_webhook_with_another_signature_is_refused():
    async with desk() as at:
        assert (await at.event("connected", secret="another")).status_code == 401
        assert at.published == []


async def test_what_is_said_is_said_to_all_in_the_name_of_the_token():
    async with desk() as at:
        await at.says({"type": "chat", "text": " hi ", "from": "mallory", "ref": "r1"})

    (said,) = at.published
    assert (said["subjects"], said["id"]) == ([ROOM], "e1")
    assert said["payload"].pop("at") > 1_700_000_000_000
    assert said["payload"] == {
        "type": "chat", "id": "e1", "from": "alice", "text": "hi", "ref": "r1",
    }  # fmt: skip


@pytest.mark.parametrize(
    "message",
    [
        {"text": "hi"},
        {"type": "chat"},
        {"type": "chat", "text": 1},
        {"type": "chat", "text": "  "},
        {"type": "raw", "payload": "hi"},
    ],
)
async def test_what_is_nothing_to_say_is_not_said(message):
    async with desk() as at:
        assert (await at.says(message)).status_code == 204

    assert at.published == []


async def test_who_is_not_in_the_room_is_not_heard_there():
    async with desk() as at:
        await at.says({"type": "chat", "text": "hi"}, subjects=["user:alice"])
        await at.event("connected", subjects=["user:alice"])

    assert at.published == []


async def test_a_long_text_is_cut():
    async with desk() as at:
        await at.says({"type": "chat", "text": "x" * 501})

    assert at.published[0]["payload"]["text"] == "x" * 500


async def test_who_has_gone_is_not_shown_even_where_presence_is_behind(signing_key):
    async with desk(DEMO_SIGNING_KEY_FILE=signing_key) as at:
        at.connections += [
            connection("c1", "alice"), connection("c2", "alice"), connection("c3", "bob"),
        ]  # fmt: skip
        await at.event("disconnected", connection_id="c3", user_id="bob")
        people = (await at.client.get("/demo/chat/people")).json()

    assert people == {"people": [{"user_id": "alice", "connections": 2}]}
    assert at.published == [{"subjects": [ROOM], "payload": {"type": "people"}}]


async def test_a_token_is_issued_to_whoever_asks(signing_key):
    async with desk(DEMO_SIGNING_KEY_FILE=signing_key) as at:
        answer = await at.client.post("/demo/token", json={"user_id": " alice "})

    claims = jwt.decode(answer.json()["token"], rsa_key().public_key(), algorithms=["RS256"])
    assert (claims["user_id"], claims["subjects"]) == ("alice", [ROOM])
    assert claims["exp"] - claims["iat"] == answer.json()["expires_in"] == 600


async def test_no_token_is_issued_without_a_key():
    async with desk() as at:
        answer = await at.client.post("/demo/token", json={"user_id": "alice"})

    assert answer.status_code == 404
    assert "DEMO_SIGNING_KEY_FILE" in answer.json()["error"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 41, "a\nb", "\x00", 42, None])
async def test_a_name_that_cannot_be_is_refused(signing_key, name):
    async with desk(DEMO_SIGNING_KEY_FILE=signing_key) as at:
        answer = await at.client.post("/demo/token", json={"user_id": name})

    assert (answer.status_code, "user_id" in answer.json()["error"]) == (400, True)


async def test_another_website_gets_no_token(signing_key):
    async with desk(DEMO_SIGNING_KEY_FILE=signing_key, DEMO_HOSTS="chat.example") as at:
        post = at.client.post
        body = {"user_id": "alice"}
        plain = await post("/demo/token", content=json.dumps(body))
        rebound = await post("/demo/token", json=body, headers={"Host": "evil.example"})
        named = await post("/demo/token", json=body, headers={"Host": "chat.example:9000"})

    assert [plain.status_code, rebound.status_code, named.status_code] == [415, 403, 200]


async def test_the_page_may_load_and_reach_nothing_else(tmp_path):
    (tmp_path / "index.js").write_text("export {};\n")
    gateways = "ws://127.0.0.1:8180/ws, wss://gateway.example/ws"
    async with desk(DEMO_CLIENT_DIR=str(tmp_path), DEMO_GATEWAY_URLS=gateways) as at:
        page = await at.client.get("/demo/chat")
        module = await at.client.get("/demo/client/index.js")
        missing = await at.client.get("/demo/page/nothing.js")

    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self';" in policy
    assert "connect-src 'self' ws://127.0.0.1:8180 wss://gateway.example;" in policy
    assert module.headers["Content-Type"].startswith("text/javascript")
    assert (page.status_code, missing.status_code) == (200, 404)
    assert missing.headers["Content-Security-Policy"] == policy


def test_the_page_names_no_other_host():
    text = "\n".join(file.read_text() for file in PAGE.iterdir())
    named = set(re.findall(r"""["'(]((?:https?:)?//[^"')]*)""", text))

    assert named == {"http://www.w3.org/2000/svg"}  # a name, which nobody fetches


def connection(connection_id, user_id):
    return {
        "connection_id": connection_id,
        "user_id": user_id,
        "subjects": [f"user:{user_id}", ROOM],
        "connected_at": 1700000000,
    }


async def test_the_path_of_webhooks_is_a_setting():
    async with desk(WS_WEBHOOK_PATH="/elsewhere") as backend:
        assert (await backend.says({"n": 1})).status_code == 404
        backend.webhook_path = "/elsewhere"
        assert (await backend.says({"n": 1})).status_code == 204
