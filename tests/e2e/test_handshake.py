"""Who gets in, and what those who do not get in see."""

from __future__ import annotations

import asyncio
import json
import ssl
import time

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from tests.support.gateway import gateway
from tests.support.tokens import public_pem, rsa_key, token
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gatewright.testing.servers import WebhookServer

pytestmark = pytest.mark.anyio


def jwt_auth(directory, options=""):
    (directory / "public.pem").write_bytes(public_pem())
    return f"auth: {{jwt: {{public_key_file: '{directory}/public.pem'{options}}}}}"


@pytest.fixture(scope="module", params=["direct", "asgi"])
async def running(tmp_path_factory, request):
    directory = tmp_path_factory.mktemp("gateway")
    server = f'server: {{bind: "127.0.0.1:0", socket_driver: {request.param}}}'
    async with gateway(directory, f"{jwt_auth(directory)}\n{server}") as started:
        yield started


async def close_of(url, **options):
    """Connect, wait for the close, and return its code and reason."""
    async with connect(url, **options) as client:
        await asyncio.wait_for(client.wait_closed(), 5)
        return client.close_code, client.close_reason


def bearer(value):
    return {"additional_headers": {"Authorization": value}}


async def test_a_token_in_any_of_its_places_lets_in(running):
    good = token()
    ways = [
        (running.url, bearer(f"Bearer {good}")),
        (running.url, bearer(f"bearer {good}")),
        (running.url, bearer(good)),
        (f"{running.url}?token={good}", {}),
        (f"{running.url}?access_token={good}", {}),
        (f"{running.url}?access_token=wrong&token={good}", {}),
        (running.url, {"subprotocols": ["bearer", good]}),
    ]
    for url, options in ways:
        async with connect(url, **options) as client:
            await client.send('{"type":"ping"}')
            assert await client.recv() == '{"type":"pong"}'
            assert client.subprotocol in {None, "bearer"}


async def test_the_header_wins_over_the_query(running):
    assert await close_of(f"{running.url}?token={token()}", **bearer("Bearer wrong")) == (4401, "")


REFUSED = {
    "empty": lambda: "",
    "nonsense": lambda: "nonsense",
    "three parts": lambda: "a.b.c",
    "not ASCII": lambda: "\u00fc".encode().decode("latin-1"),
    "expired": lambda: token(expires_in=-10),
    "no user": lambda: token(user=None),
    "empty user": lambda: token(user=""),
    "boolean user": lambda: token(user=True),
    "fractional user": lambda: token(user=1.5),
    "object user": lambda: token(user={"a": 1}),
    "array user": lambda: token(user=[]),
    "control character": lambda: token(user="a\nb"),
    "too long": lambda: token(user="x" * 513),
    "no expiry": lambda: token(exp=None),
    "other algorithm": lambda: token(key="secret" * 8, algorithm="HS256"),
}


@pytest.mark.parametrize("bad", REFUSED)
async def test_every_refusal_is_4401_and_looks_the_same(running, bad):
    assert await close_of(running.url, **bearer(f"Bearer {REFUSED[bad]()}")) == (4401, "")


async def test_no_token_is_4401(running):
    assert await close_of(running.url) == (4401, "")
    assert await close_of(running.url, subprotocols=["bearer", "wrong"]) == (4401, "")


async def test_an_integer_user_id_is_its_text(running):
    async with connect(running.url, **bearer(f"Bearer {token(user=7)}")) as client:
        assert await running.publish("hello", "user:7") == 1
        assert json.loads(await client.recv()) == {"type": "event", "payload": "hello"}


async def test_the_refused_are_never_in_the_hub_and_cause_no_event(tmp_path):
    async with WebhookServer.start() as backend:
        sections = f"{jwt_auth(tmp_path)}\nevents: {{webhook: {{url: '{backend.url}'}}}}"
        async with gateway(tmp_path, sections) as running:
            for _ in range(20):
                assert (await close_of(running.url))[0] == 4401
            async with connect(running.url, **bearer(token())):
                (event,) = await backend.wait_for_events(1)
            assert event["type"] == "connected"
            assert await running.metric("gatewright_handshakes_total", result="refused") == 20
        assert {one.json()["user_id"] for one in backend.requests} == {"42"}


async def test_refuse_with_http_401(tmp_path):
    sections = f"{jwt_auth(tmp_path)}\nserver: {{bind: '127.0.0.1:0', refuse_with: http_401}}"
    async with gateway(tmp_path, sections) as running:
        with pytest.raises(InvalidStatus) as refused:
            await connect(running.url)
        assert refused.value.response.status_code == 401


async def test_an_expired_credential_closes_with_4401(tmp_path):
    async with gateway(tmp_path, jwt_auth(tmp_path)) as running:
        began = time.time()
        async with connect(running.url, **bearer(token(expires_in=2))) as client:
            await asyncio.wait_for(client.wait_closed(), 10)
            assert (client.close_code, client.close_reason) == (4401, "")
            assert time.time() - began > 0.9


async def test_close_on_expiry_can_be_switched_off(tmp_path):
    auth = jwt_auth(tmp_path, ", close_on_expiry: false")
    async with gateway(tmp_path, auth) as running:
        short = connect(running.url, **bearer(token(expires_in=1.5)))
        long = connect(running.url, **bearer(token(user="long", expires_in=300)))
        async with short as client, long:
            await asyncio.sleep(2.5)  # past the end: nothing happens, which no event tells
            await client.send('{"type":"ping"}')
            assert await client.recv() == '{"type":"pong"}'


async def test_a_refresh_keeps_a_connection_and_another_users_token_does_not(tmp_path):
    sections = f"{jwt_auth(tmp_path)}\nsession: {{refresh: true}}"
    async with gateway(tmp_path, sections) as running:
        async with connect(running.url, **bearer(token(expires_in=3))) as client:
            await client.send(json.dumps({"type": "refresh", "token": token(user="43")}))
            assert await client.recv() == '{"type":"refresh_failed"}'
            await client.send(json.dumps({"type": "refresh", "token": token(expires_in=300)}))
            assert await client.recv() == '{"type":"refreshed"}'
            await asyncio.sleep(4)  # past the first token's end
            await client.send('{"type":"ping"}')
            assert await client.recv() == '{"type":"pong"}'


async def test_origins_are_compared_exactly(tmp_path):
    sections = "server: {bind: '127.0.0.1:0', allowed_origins: ['https://app.example.com']}"
    async with gateway(tmp_path, sections) as running:
        async with running.socket(origin="https://app.example.com"), running.socket():
            pass
        for bad in (
            "https://app.example.com.evil.org",
            "http://app.example.com",
            "null",
            "https://app.example.com:444",
        ):
            with pytest.raises(InvalidStatus) as refused:
                await running.socket(origin=bad)
            assert refused.value.response.status_code == 403
        entry = await running.logged("handshake refused")
        assert (entry["reason"], entry["origin"]) == ("origin", "https://app.example.com.evil.org")


async def test_caps_refuse_and_places_come_back(tmp_path):
    sections = "limits: {connections: 3, connections_per_user: 2}"
    async with gateway(tmp_path, sections) as running:
        async with running.socket("a"), running.socket("a"):
            assert await close_of(running.url, **bearer("Bearer a")) == (
                1008,
                "too many connections",
            )
            async with running.socket("b"):
                with pytest.raises(InvalidStatus) as refused:
                    await running.socket("c")
                assert refused.value.response.status_code == 503
        async with running.socket("a"), running.socket("b"):
            pass


async def test_one_address_has_its_own_cap(tmp_path):
    sections = (
        "server: {bind: '127.0.0.1:0', trusted_proxies: ['127.0.0.0/8']}\n"
        "limits: {connections_per_address: 1}"
    )
    async with gateway(tmp_path, sections) as running:

        def via(address):
            return connect(
                running.url,
                additional_headers={"Authorization": "Bearer a", "X-Forwarded-For": address},
            )

        async with via("198.51.100.1"), via("198.51.100.2"):
            with pytest.raises(InvalidStatus) as refused:
                await via("1.2.3.4, 198.51.100.1")
            assert refused.value.response.status_code == 429


async def test_plain_http_at_the_websockets_path_is_426(running):
    answer = await running.get("/ws")
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
    assert "Upgrade" in answer.text


async def test_another_path_is_404(running):
    with pytest.raises(InvalidStatus) as refused:
        await connect(running.url + "/else")
    assert refused.value.response.status_code == 404


async def test_a_separate_internal_bind_takes_internal_and_metrics_away(tmp_path):
    sections = "server: {bind: '127.0.0.1:0', internal_bind: '127.0.0.1:0'}"
    async with gateway(tmp_path, sections) as running:
        public = f"http://{running.host}"
        async with httpx.AsyncClient(trust_env=False) as client:
            for path in ("/metrics", "/internal/connections", "/internal/publish"):
                assert (await client.get(public + path)).status_code == 404
                assert (await client.get(running.http + path)).status_code in {200, 405}
            for base in (public, running.http):
                assert (await client.get(base + "/health")).json() == {"ok": True}
                assert (await client.get(base + "/ready")).status_code == 200
        async with running.socket():
            assert await running.publish("over the internal bind") == 1
        with pytest.raises(InvalidStatus):
            await connect(f"ws://{running.internal}/ws")


def self_signed(directory):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = __import__("datetime").datetime.now(__import__("datetime").UTC)
    day = __import__("datetime").timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(rsa_key().public_key())
        .serial_number(1)
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(rsa_key(), hashes.SHA256())
    )
    (directory / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "key.pem").write_bytes(
        rsa_key().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


async def test_tls_on_the_public_bind(tmp_path):
    self_signed(tmp_path)
    sections = (
        f"server: {{bind: '127.0.0.1:0', internal_bind: '127.0.0.1:0', tls: "
        f"{{certificate: '{tmp_path}/cert.pem', key: '{tmp_path}/key.pem'}}}}"
    )
    trust = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    async with gateway(tmp_path, sections) as running:
        port = running.host.rpartition(":")[2]
        url = f"wss://localhost:{port}/ws"
        async with connect(url, ssl=trust, **bearer("Bearer 42")) as client:
            assert await running.publish({"over": "tls"}) == 1
            assert json.loads(await client.recv())["payload"] == {"over": "tls"}
        await running.logged("serving")
        running.terminate()
        assert await running.exited() == 0


async def test_tokens_and_keys_are_nowhere_in_logs_or_metrics(tmp_path):
    canary = token(user="secret-canary")
    sections = f"{jwt_auth(tmp_path)}\nlogging: {{format: json, level: debug}}"
    async with gateway(tmp_path, sections) as running:
        async with connect(f"{running.url}?token={canary}") as client:
            await client.send('{"type":"ping"}')
            await client.recv()
        await close_of(f"{running.url}?token={canary}x")
        await close_of(running.url, **bearer(f"Bearer {canary}x"))
        with pytest.raises(httpx.HTTPStatusError):
            await running.post("{}", key="wrong-canary-key")
        metrics = (await running.get("/metrics")).text
        running.terminate()
        assert await running.exited() == 0
    everything = "".join(running.raw_logs) + metrics
    for secret in (canary, canary.split(".")[2], "test-key", "canary"):
        assert secret not in everything
