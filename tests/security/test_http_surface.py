"""HTTP as attackers write it: smuggling, hosts, proxies' headers, paths, bodies and readers."""

from __future__ import annotations

import asyncio
import json

import pytest
from starlette.responses import Response
from starlette.routing import Route
from tests.support import served
from tests.support.gateway import API_KEY, gateway
from tests.support.raw import UPGRADE, dial, exchange, until_closed, upgrade
from tests.support.survival import counted, descriptors, descriptors_at_rest, eventually, survived

from gatewright.server import patience
from gatewright.server.routes import http_app

pytestmark = pytest.mark.anyio

SMUGGLED = b'{"subjects":["user:42"],"payload":"smuggled"}'
HIDDEN = (
    b"POST /internal/publish HTTP/1.1\r\nHost: x\r\nX-Api-Key: %b\r\nContent-Length: %d\r\n\r\n%b"
) % (API_KEY.encode(), len(SMUGGLED), SMUGGLED)


@pytest.fixture(scope="module")
async def running(tmp_path_factory):
    sections = "limits: {handshake_seconds: 1, connections_per_address: 3}"
    async with gateway(tmp_path_factory.mktemp("gateway"), sections) as started:
        yield started


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"),
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
        (b"Content-Length: 0\r\nContent-Length: 200\r\n", b""),
        (b"Content-Length: 0, 200\r\n", b""),
        (b"Content-Length: +0\r\n", b""),
        (b"Content-Length: -1\r\n", b""),
        (b"Content-Length: 0x0\r\n", b""),
        (b"Content-Length : 0\r\n", b""),
        (b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n"),
        (b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
        (b"Transfer-Encoding:\x0bchunked\r\n", b"0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"0x0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"-1\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"FFFFFFFFFFFFFFFFFFFFFFFF\r\n\r\n"),
        (b"X: y\rContent-Length: 0\r\n", b""),
        (b"X: y\x00\r\nContent-Length: 0\r\n", b""),
    ],
)
async def test_nothing_is_smuggled_behind_a_request_of_two_minds(running, head, body):
    async with running.socket() as client:
        request = b"POST /internal/publish HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n" + body
        answer = await exchange(running.host, request + HIDDEN)
        assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501")), answer
        assert answer.count(b"HTTP/1.1 ") == 1
        assert await running.publish("honest") == 1
        assert json.loads(await client.recv())["payload"] == "honest"  # and nothing before it
    await survived(running)


@pytest.mark.parametrize(
    "host",
    [b"evil.example", b"127.0.0.1:1", b"x/../..", b"x@evil.example", b"[::1", b"a" * 5000, b"",
     b"x\x7f", b"x y", b"\xff", b"x#/internal", b"evil.example?x=/ws"],
)  # fmt: skip
async def test_the_host_header_decides_nothing_and_is_repeated_nowhere(running, host):
    for path in ("/health", "/health/", "/internal/connections", "/nothing"):
        fields = b"Host: %b\r\nX-Forwarded-Host: %b\r\nConnection: close\r\n" % (host, host)
        request = b"GET %b HTTP/1.1\r\n%b\r\n" % (path.encode(), fields)
        answer = await exchange(running.host, request)
        if not answer.startswith(b"HTTP/1.1 400"):
            wanted = {"/health": b"200", "/internal/connections": b"401"}.get(path, b"404")
            assert answer.startswith(b"HTTP/1.1 " + wanted), answer
        assert b"ocation:" not in answer
        assert not host or host not in answer.replace(b"127.0.0.1:1", b"127.0.0.1:1")
    two = b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"
    assert (await exchange(running.host, two)).startswith(b"HTTP/1.1 400")


async def test_a_proxys_headers_mean_nothing_from_who_is_no_proxy(running):
    forged = (
        b"X-Forwarded-For: 198.51.100.%d\r\nForwarded: for=198.51.100.%d\r\nX-Real-IP: 1.1.1.1\r\n"
    )
    opened = []
    for number in range(3):
        reader, writer = await dial(running.host)
        writer.write(upgrade("/ws?token=a", forged % (number, number)))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        opened.append(writer)
    async with counted(running, "gatewright_handshakes_total", result="full_address"):
        answer = await exchange(running.host, upgrade("/ws?token=a", forged % (9, 9)))
        assert answer.startswith(b"HTTP/1.1 429")
    for writer in opened:
        writer.transport.abort()
    await eventually(lambda: is_empty(running))
    assert b"101" in (await exchange(running.host, upgrade("/ws", forged % (9, 9))))[:20]
    refused = [entry for entry in running.logs if entry["event"] == "handshake refused"]
    assert {entry["client"] for entry in refused} == {"127.0.0.1"}
    assert "198.51.100" not in "".join(running.raw_logs)


async def is_empty(running):
    return await running.metric("gatewright_connections") == 0


async def test_cleartext_http2_is_not_spoken(running):
    for ask in (
        b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n",
        b"Upgrade: h2c, websocket\r\nConnection: Upgrade\r\n",
    ):
        answer = await exchange(
            running.host, b"GET /health HTTP/1.1\r\nHost: x\r\n" + ask + b"\r\n"
        )
        assert answer.startswith(b"HTTP/1.1 200"), answer


INTERNAL = [
    "/internal/publish", "/internal/connections", "/internal/users/42/connections", "/metrics",
    "//internal/connections", "/./internal/connections", "/ws/../internal/connections",
    "/%69nternal/connections", "/internal%2fconnections", "/internal/connections/",
    "/INTERNAL/connections", "/internal;x/connections", "/internal/connections?x=/health",
    "http://127.0.0.1/internal/connections", "/health/../metrics", "/%6detrics", "/metrics%00",
]  # fmt: skip


async def test_what_is_internal_is_not_on_the_public_bind_by_any_spelling(tmp_path):
    sections = (
        "server: {bind: '127.0.0.1:0', internal_bind: '127.0.0.1:0'}\n"
        "limits: {handshake_seconds: 1}"
    )
    async with gateway(tmp_path, sections) as running:
        key = f"X-Api-Key: {API_KEY}\r\nConnection: close\r\n".encode()
        for method in (b"GET", b"POST", b"HEAD"):
            for path in INTERNAL:
                request = b"%b %b HTTP/1.1\r\nHost: x\r\n%b\r\n" % (method, path.encode(), key)
                answer = await exchange(running.host, request)
                assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400")), (path, answer)
                answer = await exchange(running.host, upgrade(path, key))
                assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400")), (path, answer)
        # presence is open on the internal bind, where nobody from outside comes
        assert (await running.get("/internal/connections")).json() == {"connections": []}
        await survived(running)


async def test_presence_and_publishing_ask_for_the_key_on_a_shared_bind(running):
    async with running.socket("somebody"):
        for path in ("/internal/connections", "/internal/users/somebody/connections"):
            for headers in (
                {}, {"X-Api-Key": ""}, {"X-Api-Key": "wrong"}, {"X-Api-Key": API_KEY[:-1]},
                {"X-Api-Key": API_KEY + "x"}, {"X-Api-Key": API_KEY.upper()},
                {"Authorization": f"Bearer {API_KEY}"}, {"Cookie": f"X-Api-Key={API_KEY}"},
            ):  # fmt: skip
                answer = await running.get(path, headers=headers)
                assert (answer.status_code, "somebody" in answer.text) == (401, False)
            answer = await running.get(path, params={"api_key": API_KEY, "X-Api-Key": API_KEY})
            assert answer.status_code == 401
            answer = await running.get(path, headers={"X-Api-Key": API_KEY})
            assert [one["user_id"] for one in answer.json()["connections"]] == ["somebody"]
        for key in (None, "", 0, False, [], {}, [API_KEY], API_KEY + "\x00", {"$ne": ""}):
            body = json.dumps({"subjects": ["user:somebody"], "payload": 1, "api_key": key})
            request = b"POST /internal/publish HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            request += b"Content-Length: %d\r\n\r\n%b" % (len(body), body.encode())
            labels = {"route": "publish", "status": "401"}
            async with counted(running, "gatewright_http_requests_total", **labels):
                answer = await exchange(running.host, request)
            assert answer.startswith(b"HTTP/1.1 401")
    await survived(running)


SOONER = """
import gatewright_transport_http.body as body
import gatewright.server.patience as patience

body.READ_SECONDS = 1.0
patience.SEND_SECONDS = 1.0

"""


@pytest.fixture(scope="module")
async def impatient(tmp_path_factory):
    """A gateway whose bounds for bodies and answers are a second instead of half a minute."""
    directory = tmp_path_factory.mktemp("gateway")
    (directory / "sitecustomize.py").write_text(SOONER)
    sections = "limits: {handshake_seconds: 1}"
    async with gateway(directory, sections, environ={"PYTHONPATH": str(directory)}) as started:
        yield started


async def test_a_body_that_drips_for_ever_ends(impatient):
    reader, writer = await dial(impatient.host)
    writer.write(b"POST /internal/publish HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")

    async def drip():
        while True:
            writer.write(b" ")
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    labels = {"route": "publish", "status": "408"}
    async with counted(impatient, "gatewright_http_requests_total", **labels):
        answer = await until_closed(reader)
    assert answer.startswith(b"HTTP/1.1 408")
    dripping.cancel()
    writer.transport.abort()
    await survived(impatient)


@pytest.mark.parametrize("path", [b"/health", b"/metrics", b"/nothing", b"/ws"])
async def test_a_body_that_nobody_asked_for_holds_no_connection(impatient, path):
    head = b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nx" % path
    assert (await exchange(impatient.host, head)).startswith(b"HTTP/1.1 4")
    head = b"GET %b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" % path
    assert (await exchange(impatient.host, head)).startswith(b"HTTP/1.1 ")
    strange = b"PUT %b HTTP/1.1\r\nHost: x\r\n" % path + UPGRADE + b"\r\n"
    assert (await exchange(impatient.host, strange)).startswith(b"HTTP/1.1 4")


async def test_who_never_reads_answers_is_hung_up_on(impatient):
    before = await descriptors_at_rest(impatient)
    reader, writer = await dial(impatient.host, receive_buffer=4096)
    reader._transport.pause_reading()
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 2000)

    async def given_back():
        return descriptors(impatient.process.pid) <= before

    await eventually(given_back, 40)
    writer.transport.abort()
    await survived(impatient)


@pytest.fixture
async def counting(monkeypatch):
    """Serve a large answer in this very process; yield the address and who asked."""
    asked = []

    async def large(_request):
        asked.append(1)
        return Response(b"x" * 50_000)

    monkeypatch.setattr(served, "http_app", lambda _routes: http_app([Route("/large", large)]))
    monkeypatch.setattr(patience, "SEND_SECONDS", 0.5)
    async with served.serve_recorders() as running:
        yield f"{running.host}:{running.port}", asked


@pytest.mark.parametrize("leaves", [True, False])
async def test_requests_of_a_client_that_left_or_does_not_read_are_not_worked_off(
    counting, caplog, leaves
):
    address, asked = counting
    assert await exchange(address, b"GET /large HTTP/1.0\r\n\r\n")  # it is up
    before = len(asyncio.all_tasks())
    reader, writer = await dial(address, receive_buffer=4096)
    reader._transport.pause_reading()
    writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)

    async def is_stuck():
        seen = len(asked)
        for _ in range(5):  # one look could be between two turns of a busy machine
            await asyncio.sleep(0.1)
            if len(asked) != seen:
                return False
        return seen > 0

    await eventually(is_stuck)
    stuck_at = len(asked)
    if leaves:
        writer.transport.abort()

    async def nothing_is_left():
        return len(asyncio.all_tasks()) <= before

    await eventually(nothing_is_left)
    writer.transport.abort()
    assert len(asked) <= stuck_at + 1 < 1000
    assert caplog.messages == []
