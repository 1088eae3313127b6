"""nginx and HAProxy with the files that are shipped, before real gateways."""

import asyncio
import ssl
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
from tests.support.gateway import API_KEY, gateway
from tests.support.proxies import haproxy, nginx, proxy
from tests.support.survival import eventually
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from gatewright.testing.brokers.redis_server import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

CLIENT = "203.0.113.7"
LONGER_THAN_THE_DEFAULT = 63  # nginx: 60 s
SECRET = "very-secret-token"
SERVER = "server: {bind: '127.0.0.1:0', internal_bind: '127.0.0.1:0', trusted_proxies: [127.0.0.1]}"
PUBLIC = SERVER.replace("internal_bind: '127.0.0.1:0', ", "")

CROOKED = [
    "/internal/users/../../ws#/connections",  # nginx: /ws; as it stands, a user of that name
    "/internal/../ws",
    "/ws/../internal/connections",
    "/ws/%2e%2e/internal/connections",
    "/ws/..%2finternal/connections",
    "/ws%2f..%2finternal/connections",
    "//internal/connections",
    "/%69nternal/connections",
    "/internal;x/connections",
    "/ws;/../internal/connections",
    "/ws#/../internal/connections",
    "/ws%00/internal/connections",
    "/ws\\..\\internal\\connections",
    "https://ws.example.com/internal/connections",
]
H2C = (
    "GET /ws HTTP/1.1\r\nHost: ws.example.com\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n"
)
PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


async def two(stack, folder, first="", second=""):
    """Start two gateways with these sections."""
    started = []
    for name, sections in (("a", first), ("b", second)):
        (folder / name).mkdir()
        started.append(await stack.enter_async_context(gateway(folder / name, sections)))
    return started


@asynccontextmanager
async def one_behind(folder, command, sections=SERVER):
    """A gateway behind a proxy; yield both."""
    async with gateway(folder, sections) as running, proxy(folder, command, running.host) as front:
        yield running, front


async def says_pong(client):
    await client.send('{"type":"ping"}')
    assert await client.recv() == '{"type":"pong"}'


async def silent(client, seconds):
    """Wait, and be sure that nothing comes, the end of the connection included."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(seconds):
            await client.recv()


@pytest.mark.timeout(150)
async def test_the_gateways_pings_keep_silent_clients_connected(tmp_path):
    """The one test that must take a minute: the timeouts as shipped, the keepalive as it is.

    It stands in this file, because files with many tests are begun first.
    """
    async with (
        gateway(tmp_path) as running,
        proxy(tmp_path, nginx, running.host) as first,
        proxy(tmp_path, haproxy, running.host) as second,
        first.socket() as one,
        second.socket() as another,
    ):
        await asyncio.gather(*(silent(each, LONGER_THAN_THE_DEFAULT) for each in (one, another)))

        assert await running.publish("still there") == 2
        for client in (one, another):
            assert await client.recv() == '{"type":"event","payload":"still there"}'


async def test_a_client_hears_through_the_proxy(tmp_path, command):
    async with one_behind(tmp_path, command) as (running, front):
        async with front.socket() as client:
            assert await running.publish("hello") == 1
            assert await client.recv() == '{"type":"event","payload":"hello"}'
            await says_pong(client)


@pytest.mark.parametrize(
    ("called_from", "logged"),
    [
        pytest.param("127.0.0.2", "127.0.0.2", id="a client makes one up"),
        pytest.param("127.0.0.1", CLIENT, id="a trusted proxy in front says it"),
    ],
)
async def test_the_log_has_the_clients_own_address(tmp_path, command, called_from, logged):
    async with one_behind(tmp_path, command) as (running, front):
        headers = {"X-Forwarded-For": CLIENT}
        async with front.socket(headers=headers, local_addr=(called_from, 0)) as client:
            with pytest.raises(ConnectionClosedError) as closed:
                await client.recv()
        refused = await running.logged("handshake refused")

    assert closed.value.rcvd.code == 4401
    assert (refused["reason"], refused["client"]) == ("missing", logged)


@pytest.mark.parametrize("sections", [SERVER, PUBLIC], ids=["two ports", "one port"])
async def test_nothing_but_the_websocket_is_let_through(tmp_path, command, sections):
    paths = ["/", "/internal/publish", "/internal/connections", "/metrics", "/ready", "/health"]
    paths += [
        "/ws/",
        "/ws%2f..%2fmetrics",
        "//internal/publish",
        "/%69nternal/publish",
        "/internal;x",
    ]
    async with one_behind(tmp_path, command, sections) as (_, front), front.client() as client:
        for path in paths:
            for ask in (client.get, client.post):
                answer = await ask(f"https://{front.address}{path}", headers={"X-Api-Key": API_KEY})
                assert answer.status_code == 404, path
                assert "gatewright" not in answer.text


async def asked(front, head):
    """Send a request by hand, as no library would write it; return the first bytes of an answer."""
    host, _, port = front.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=front.tls())
    writer.write(head.encode())
    answer = await reader.read(4096)
    writer.close()
    return answer


async def test_no_way_of_writing_a_path_leads_inside(tmp_path, command):
    """Without a key: what came through would be answered with 200, and 401 with one."""
    keyless = f"{PUBLIC}\ntransports: {{http: {{insecure: true}}}}"
    async with one_behind(tmp_path, command, keyless) as (_, front):
        for path in CROOKED:
            head = f"GET {path} HTTP/1.1\r\nHost: ws.example.com\r\nX-Api-Key: {API_KEY}\r\n\r\n"
            answer = await asked(front, head)
            assert answer.split()[1] in {b"400", b"404", b"426"}, (path, answer)
            assert b"connections" not in answer


@pytest.mark.parametrize("head", [H2C, PREFACE], ids=["upgrade", "preface"])
async def test_nobody_gets_http_2(tmp_path, command, head):
    async with one_behind(tmp_path, command, PUBLIC) as (_, front):
        answer = await asked(front, head)

    assert answer.split()[:2] in ([b"HTTP/1.1", code] for code in (b"400", b"404", b"426"))


async def test_no_log_of_the_proxy_has_a_token(tmp_path, command):
    async with one_behind(tmp_path, command) as (running, front):
        async with front.socket(query=f"?token={SECRET}") as client:
            await says_pong(client)
        await front.logged("GET /ws")
        running.process.kill()
        await running.exited()
        with pytest.raises(InvalidStatus, match=r"50[23]"):
            await front.socket(query=f"?token={SECRET}")
        logs = await front.logged(" 503 " if command is haproxy else " 502 ")

    assert SECRET not in logs


async def test_the_proxy_speaks_tls(tmp_path, command):
    async with one_behind(tmp_path, command) as (_, front):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            tls = front.tls()
            tls.minimum_version = tls.maximum_version = version
            async with front.socket(ssl=tls) as client:
                await says_pong(client)


async def test_the_proxy_speaks_nothing_older_and_nothing_plain(tmp_path, command):
    async with one_behind(tmp_path, command) as (_, front):
        old = front.tls()
        old.set_ciphers("DEFAULT@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            await front.socket(ssl=old)
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                answer = await client.get(f"http://{front.address}/ws")
            except httpx.TransportError:
                return
            assert answer.status_code == 400


async def test_a_handshake_that_one_node_cannot_take_comes_to_the_other(tmp_path, command):
    async with AsyncExitStack() as stack:
        full, free = await two(stack, tmp_path, "limits: {connections: 1}")
        await stack.enter_async_context(full.socket("first"))
        front = await stack.enter_async_context(proxy(tmp_path, command, full.host, free.host))
        for _ in range(4):
            await says_pong(await stack.enter_async_context(front.socket()))

        assert await free.metric("gatewright_connections") == 4
        assert await full.metric("gatewright_connections") == 1


async def is_ready(node):
    return (await node.get("/ready")).status_code == 200


async def test_haproxy_leaves_the_clients_of_a_node_alone_that_is_not_ready(tmp_path):
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(RedisServer.start(tmp_path / "redis"))
        red, green = await two(stack, tmp_path, f"bus: {{redis: {{dsn: '{redis.dsn}'}}}}")
        for node in (red, green):  # a bus takes a moment to show that it carries
            await eventually(lambda node=node: is_ready(node))
        front = await stack.enter_async_context(proxy(tmp_path, haproxy, red.host, green.host))
        clients = [await stack.enter_async_context(front.socket()) for _ in range(4)]
        assert await red.metric("gatewright_connections") == 2
        await redis.kill()
        await front.logged("Server gateways/a is DOWN", 30)
        for _ in range(4):
            await says_pong(await stack.enter_async_context(front.socket()))

        assert await red.metric("gatewright_connections") == 2
        await asyncio.gather(*(says_pong(client) for client in clients))
