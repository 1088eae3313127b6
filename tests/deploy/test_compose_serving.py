"""The gateways of the Compose files serve, with the environment that Compose gives them."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from tests.support.cluster import RabbitBackend, RedisBackend
from tests.support.compose import COMPOSE, gateways, resolved
from tests.support.gateway import start
from tests.support.receiver import receiver
from tests.support.tokens import public_pem, token
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gatewright.testing.brokers.redis_server import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

KEY = "change-me"  # of the examples
PASSWORD = "change-me-too"


@asynccontextmanager
async def serving(folder, name, service, **environ):
    """Serve a Compose file's gateway; only its ports and the place of its key are others."""
    folder.mkdir()
    (folder / "public.pem").write_bytes(public_pem())
    text = (COMPOSE / f"{name}.gateway.yaml").read_text()
    text = text.replace("/run/secrets/jwt_public_key", str(folder / "public.pem"))
    for port in ("8000", "8001"):
        assert f"0.0.0.0:{port}" in text
        text = text.replace(f"0.0.0.0:{port}", "127.0.0.1:0")
    (folder / "gateway.yaml").write_text(text)
    given = {key: str(value or "") for key, value in service["environment"].items()}
    started = await start(folder / "gateway.yaml", environ=given | environ)
    reading = asyncio.create_task(started.read_logs())
    try:
        where = await started.logged("serving", 30)
        started.host, started.internal = where["bind"], where["internal_bind"]
        yield started
    finally:
        if started.process.returncode is None:
            started.process.kill()
        await started.process.wait()
        await reading


def client(running, user="42", **options):
    headers = {"Authorization": f"Bearer {token(user)}"}
    return connect(running.url, additional_headers=headers, **options)


async def publish(running, payload):
    body = f'{{"subjects":["user:42"],"payload":"{payload}"}}'
    return await running.post(body, key=KEY)


async def ready(running):
    async with asyncio.timeout(20):
        while (await running.get("/ready")).status_code != 200:
            await asyncio.sleep(0.02)


async def test_the_one_gateway_of_embedded_serves_clients_and_backends(tmp_path):
    service = resolved("embedded")["services"]["gateway"]
    async with receiver() as backend:
        serves = serving(tmp_path / "gw", "embedded", service, SYMFONY_WEBHOOK_URL=backend.url)
        async with serves as running, client(running) as socket:
            assert await publish(running, "hello") == 1
            assert await socket.recv() == '{"type":"event","payload":"hello"}'
            assert (await backend.events(1))[0]["type"] == "connected"
            running.internal = running.host
            assert (await running.get("/internal/connections")).status_code == 404


async def test_the_gateway_of_brokers_hears_from_all_of_them(tmp_path, redis, rabbitmq):
    service = resolved("brokers")["services"]["gateway"]
    dsns = {"REDIS_DSN": redis.dsn, "RABBITMQ_DSN": rabbitmq.dsn}
    async with (
        serving(tmp_path / "gw", "brokers", service, **dsns) as running,
        RedisBackend(redis.dsn) as stream,
        RabbitBackend(rabbitmq.dsn) as exchange,
        client(running) as socket,
    ):
        await ready(running)
        assert await publish(running, "http") == 1
        assert await socket.recv() == '{"type":"event","payload":"http"}'
        for name, backend in (("stream", stream), ("exchange", exchange)):
            await backend.publish(name, "user:42")
            assert await socket.recv() == f'{{"type":"event","payload":"{name}"}}'
        async with asyncio.timeout(10):
            while not await stream.client.xlen("ws.events"):
                await asyncio.sleep(0.02)


async def test_the_two_gateways_of_production_are_one(tmp_path):
    services = gateways(resolved("production"))
    origin = services["gateway-a"]["environment"]["ALLOWED_ORIGIN"]
    async with AsyncExitStack() as stack:
        options = ("--requirepass", PASSWORD)
        redis = await stack.enter_async_context(
            RedisServer.start(tmp_path / "redis", options=options)
        )
        nodes = []
        for name, service in services.items():
            dsn = service["environment"]["REDIS_DSN"].replace(
                "redis:6379", f"127.0.0.1:{redis.port}"
            )
            serves = serving(tmp_path / name, "production", service, REDIS_DSN=dsn)
            nodes.append(await stack.enter_async_context(serves))
        await asyncio.gather(*(ready(node) for node in nodes))
        first, second = nodes
        socket = await stack.enter_async_context(client(first, origin=origin))

        assert await publish(second, "from the other one") == 1
        assert await socket.recv() == '{"type":"event","payload":"from the other one"}'
        shown = await second.get("/internal/connections", headers={"X-Api-Key": KEY})
        assert [one["user_id"] for one in shown.json()["connections"]] == ["42"]
        with pytest.raises(InvalidStatus, match="403"):
            await client(first, origin="https://evil.example.com")
