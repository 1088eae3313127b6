"""The routes behind hypercorn, spoken to over raw sockets."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx
import pytest
from anyio.abc import SocketStream
from tests.plugins.transport_http.harness import KEY, FakePresence, connection, opened, served

from gatewright import PublicationLimits, Receipt

pytestmark = pytest.mark.anyio

HEAD = "POST /internal/publish HTTP/1.1\r\nHost: gw\r\n"
LIMITS = PublicationLimits(max_bytes=10_000)


@asynccontextmanager
async def connected(api) -> AsyncIterator[SocketStream]:
    async with served(api.app) as port, await anyio.connect_tcp("127.0.0.1", port) as stream:
        with anyio.fail_after(10):
            yield stream


@asynccontextmanager
async def speaking_to(api) -> AsyncIterator[httpx.AsyncClient]:
    async with served(api.app) as port:
        base_url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=base_url, trust_env=False) as client:
            yield client


async def read_answer(stream: SocketStream) -> tuple[int, bytes]:
    """Read one answer with a Content-Length."""
    buffer = b""
    while b"\r\n\r\n" not in buffer:
        buffer += await stream.receive()
    head, _, body = buffer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    while len(body) < int(headers[b"content-length"]):
        body += await stream.receive()
    return status, body


async def read_to_end(stream: SocketStream) -> bytes:
    received = b""
    try:
        while True:
            received += await stream.receive()
    except anyio.EndOfStream:
        return received


def request(body: bytes, *extra: str) -> bytes:
    lines = "".join(f"{line}\r\n" for line in (*extra, f"Content-Length: {len(body)}"))
    return f"{HEAD}{lines}\r\n".encode() + body


def publication(payload: bytes) -> bytes:
    return b'{"subjects":["user:42"],"payload":%b,"api_key":"%b"}' % (payload, KEY.encode())


async def test_a_publication_over_a_real_socket(api):
    async with connected(api) as stream:
        await stream.send(request(publication('{"ü":1.0}'.encode())))

        assert await read_answer(stream) == (200, b'{"sent":1}')
    assert api.core.published[0].payload == '{"ü":1.0}'.encode()


async def test_pipelined_publications_are_published_and_answered_in_order(api):
    api.core.answers = lambda one: Receipt(int(one.payload))
    async with connected(api) as stream:
        await stream.send(b"".join(request(publication(b"%d" % n)) for n in (11, 22, 33)))
        received = b""
        while received.count(b'{"sent":') < 3 or not received.endswith(b"}"):
            received += await stream.receive()

    assert [int(part[:2]) for part in received.split(b'{"sent":')[1:]] == [11, 22, 33]
    assert [one.payload for one in api.core.published] == [b"11", b"22", b"33"]


async def test_a_body_in_chunks_of_one_byte(api):
    body = publication(b'"chunked"')
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    async with connected(api) as stream:
        await stream.send(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode() + chunks)

        assert await read_answer(stream) == (200, b'{"sent":1}')
    assert api.core.published[0].payload == b'"chunked"'


async def test_a_client_that_waits_for_100_is_answered(api):
    body = publication(b"1")
    async with connected(api) as stream:
        await stream.send(request(b"", "Expect: 100-continue").replace(b": 0", b": %d" % len(body)))
        assert (await stream.receive()).startswith(b"HTTP/1.1 100 ")
        await stream.send(body)

        assert await read_answer(stream) == (200, b'{"sent":1}')


async def test_a_body_ten_times_too_large_is_refused_in_a_way_the_client_can_read():
    async with opened(limits=LIMITS) as api, connected(api) as stream:
        await stream.send(request(publication(b'"%b"' % (b"x" * 100_000))))

        status, body = await read_answer(stream)
    assert (status, json.loads(body)) == (413, {"error": "body is larger than 10000 bytes"})


async def test_after_a_body_that_was_too_large_the_connection_serves_on():
    async with opened(limits=LIMITS) as api, connected(api) as stream:
        await stream.send(request(b"x" * 20_000))
        assert (await read_answer(stream))[0] == 413
        await stream.send(request(publication(b"1")))

        assert await read_answer(stream) == (200, b'{"sent":1}')


async def test_an_endless_body_is_answered_and_the_connection_closed():
    async with opened(limits=LIMITS) as api, connected(api) as stream:
        await stream.send(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())

        async def push():
            try:
                while True:
                    await stream.send(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                pass

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(push)
            status, _ = await read_answer(stream)
            tasks.cancel_scope.cancel()

    assert status == 413


async def test_a_client_that_leaves_in_the_middle_harms_nobody(api):
    async with served(api.app) as port:
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(request(publication(b"1"))[:-5])
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(request(publication(b"2")))
            assert await read_answer(stream) == (200, b'{"sent":1}')

    assert [one.payload for one in api.core.published] == [b"2"]


@pytest.mark.parametrize(
    "malformed",
    [
        b"POST /internal/publish HTTP/1.1\r\nHost: gw\r\nContent-Length: x\r\n\r\n",
        b"POST /internal/publish HTTP/1.1\r\nHost: gw\r\nContent-Length: -1\r\n\r\n",
        b"POST /internal/publish\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"POST /internal/publish HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n",
        b"POST /internal/publish HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_a_malformed_request_is_400_and_publishes_nothing(api, malformed):
    async with connected(api) as stream:
        await stream.send(malformed)
        answer = await read_to_end(stream)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert api.core.published == []


@pytest.mark.parametrize(
    ("target", "user_id"),
    [
        ("%C3%BC%20%C3%B6@x", "ü ö@x"),
        ("a/connections", "a/connections"),
        ("a%2Fconnections", "a/connections"),
        ("%252F", "%2F"),
        ("100%", "100%"),
        ("..", ".."),
        ("a//b", "a//b"),
        ("%F0%9F%91%A9", "👩"),
    ],
)
async def test_users_in_a_raw_request_line(target, user_id):
    presence = FakePresence([connection(1, user_id)])
    line = f"GET /internal/users/{target}/connections HTTP/1.1\r\nHost: gw\r\n\r\n"
    async with opened(presence=presence) as api, connected(api) as stream:
        await stream.send(line.encode())
        status, body = await read_answer(stream)

    assert status == 200
    assert [one["user_id"] for one in json.loads(body)["connections"]] == [user_id]


async def test_a_long_list_arrives_whole():
    presence = FakePresence([connection(number) for number in range(5_000)])
    async with opened(presence=presence) as api, speaking_to(api) as client:
        answer = await client.get("/internal/connections")
        head = await client.head("/internal/connections")

    assert len(answer.json()["connections"]) == 5_000
    assert (head.status_code, head.content) == (200, b"")


async def test_a_list_that_breaks_off_is_an_error_to_its_reader():
    presence = FakePresence(
        [connection(number) for number in range(5_000)],
        fails=lambda cursor: ConnectionError("gone") if cursor == "3000" else None,
    )
    async with opened(presence=presence) as api, speaking_to(api) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/internal/connections")
