"""The examples with brokers serve on real ones, as existing backends speak to them."""

from __future__ import annotations

import asyncio
import json

import aio_pika
import pytest
from redis.asyncio import Redis
from tests.examples.test_files import EXAMPLES, serving
from tests.support.receiver import receiver
from tests.support.survival import eventually
from tests.support.tokens import public_pem, token
from websockets.asyncio.client import connect

from gatewright.config.load import load_config
from gatewright.errors import ConfigError

pytestmark = pytest.mark.anyio

PUBLICATION = '{"subjects":["user:42"],"payload":{"n":1}}'
NAMES = """
JWT_ALG JWT_USER_ID_CLAIM JWT_JWKS_URL JWT_PUBLIC_KEY_FILE JWT_PUBLIC_KEY JWT_ISSUER
JWT_AUDIENCE JWT_LEEWAY GATEWAY_API_KEY SYMFONY_WEBHOOK_URL SYMFONY_WEBHOOK_SECRET
WEBHOOK_RETRY_ATTEMPTS WEBHOOK_RETRY_BASE_SECONDS WEBHOOK_TIMEOUT_SECONDS
WS_RATE_LIMIT_PER_SEC WS_RATE_LIMIT_BURST REDIS_DSN REDIS_STREAM REDIS_EVENTS_STREAM
REDIS_INBOX_STREAM REDIS_DLQ_STREAM PRESENCE_REDIS_DSN PRESENCE_REDIS_PREFIX
PRESENCE_TTL_SECONDS RABBITMQ_DSN RABBITMQ_EXCHANGE RABBITMQ_QUEUE RABBITMQ_ROUTING_KEY
RABBITMQ_EVENTS_EXCHANGE RABBITMQ_EVENTS_QUEUE RABBITMQ_EVENTS_ROUTING_KEY
RABBITMQ_DLQ_QUEUE RABBITMQ_INBOX_EXCHANGE RABBITMQ_INBOX_QUEUE
RABBITMQ_INBOX_ROUTING_KEY EVENTS_MODE WS_MODE LOG_LEVEL LOG_FORMAT
"""
HEARD = '{"type":"event","payload":{"n":1}}'


@pytest.fixture
def environ(tmp_path):
    (tmp_path / "public.pem").write_bytes(public_pem())
    return {
        "GATEWAY_BIND": "127.0.0.1:0",
        "GATEWAY_INTERNAL_BIND": "127.0.0.1:0",
        "JWT_PUBLIC_KEY_FILE": str(tmp_path / "public.pem"),
        "GATEWAY_API_KEY": "k",
        "STATE_DIRECTORY": str(tmp_path / "state"),
    }


async def ready(gateway):
    async def is_ready():
        return (await gateway.get("/ready")).status_code == 200

    await eventually(is_ready, 30)


def socket(gateway):
    return connect(gateway.url, additional_headers={"Authorization": f"Bearer {token()}"})


async def xadd(redis, data=PUBLICATION):
    async with Redis.from_url(redis.dsn) as client:
        await client.xadd("ws.outbox", {"data": data})


async def entries(redis, stream, count):
    async with Redis.from_url(redis.dsn) as client:

        async def there():
            return await client.xlen(stream) >= count

        await eventually(there, 20)
        return [json.loads(fields[b"data"]) for _, fields in await client.xrange(stream)]


async def amqp_publish(dsn, data=PUBLICATION):
    async with await aio_pika.connect(dsn) as connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange("ws.outbox", durable=True)
        queue = await channel.declare_queue("ws.outbox", durable=True)
        await queue.bind(exchange, "ws.outbox")
        await exchange.publish(aio_pika.Message(data.encode()), "ws.outbox")


async def messages(dsn, name, count):
    async with await aio_pika.connect(dsn) as connection:
        queue = await (await connection.channel()).declare_queue(name, durable=True)
        found = []
        async with asyncio.timeout(20), queue.iterator(no_ack=True) as received:
            async for message in received:
                found.append(json.loads(message.body))
                if len(found) == count:
                    break
    return found


async def heard_once(client):
    assert await asyncio.wait_for(client.recv(), 20) == HEARD


async def test_everything_through_redis(redis, environ):
    async with serving(EXAMPLES / "redis.yaml", REDIS_DSN=redis.dsn, **environ) as gateway:
        await ready(gateway)
        async with socket(gateway) as client:
            await xadd(redis)
            await heard_once(client)
            await client.send('{"say":"hi"}')
            told = await entries(redis, "ws.events", 2)
            assert [event["type"] for event in told] == ["connected", "message_received"]
            async with Redis.from_url(redis.dsn) as store:
                assert await store.exists("presence:user:42")


async def test_everything_through_rabbitmq(rabbitmq, environ):
    dsn = rabbitmq.dsn
    async with serving(EXAMPLES / "rabbitmq.yaml", RABBITMQ_DSN=dsn, **environ) as gateway:
        await ready(gateway)
        async with socket(gateway) as client:
            await amqp_publish(dsn)
            await heard_once(client)
            await client.send('{"say":"hi"}')
            told = await messages(dsn, "ws.events", 2)
            assert [event["type"] for event in told] == ["connected", "message_received"]


async def test_two_of_the_cluster_are_one(redis, environ):
    named = {"REDIS_DSN": redis.dsn, **environ}
    async with (
        receiver() as backend,
        serving(
            EXAMPLES / "cluster.yaml", NODE_ID="a", SYMFONY_WEBHOOK_URL=backend.url, **named
        ) as first,
        serving(
            EXAMPLES / "cluster.yaml", NODE_ID="b", SYMFONY_WEBHOOK_URL=backend.url, **named
        ) as second,
    ):
        await ready(first)
        await ready(second)
        async with socket(second) as client:
            assert await first.post(PUBLICATION, key="k") >= 0
            await heard_once(client)
            assert (await backend.events(1))[0]["type"] == "connected"


@pytest.mark.parametrize(
    ("mode", "by_webhook", "by_broker"),
    [
        ("webhook", True, False),
        ("broker", False, True),
        ("both", True, True),
        ("none", False, False),
        ("", True, False),
        ("something-else", True, False),
    ],
)
async def test_the_drop_in_with_each_mode_of_events(
    redis, rabbitmq, environ, mode, by_webhook, by_broker
):
    async with (
        receiver() as backend,
        serving(
            EXAMPLES / "symfony.yaml",
            EVENTS_MODE=mode,
            REDIS_DSN=redis.dsn,
            RABBITMQ_DSN=rabbitmq.dsn,
            SYMFONY_WEBHOOK_URL=backend.url,
            **environ,
        ) as gateway,
    ):
        await ready(gateway)
        async with socket(gateway) as client:
            for publish in (
                lambda: gateway.post(PUBLICATION, key="k"),
                lambda: xadd(redis),
                lambda: amqp_publish(rabbitmq.dsn),
            ):
                await publish()
                await heard_once(client)
            assert (await gateway.get("/health")).json() == {"ok": True}
            found = (await gateway.get("/internal/users/42/connections")).json()["connections"]
            assert len(found) == 1
        if by_webhook:
            assert {event["type"] for event in await backend.events(2)} == {
                "connected",
                "disconnected",
            }
        if by_broker:
            assert len(await entries(redis, "ws.events", 2)) == 2
            assert len(await messages(rabbitmq.dsn, "ws.events", 2)) == 2
        gateway.terminate()
        assert await gateway.exited() == 0
        if not by_webhook:
            assert backend.taken == []
        if not by_broker:
            async with Redis.from_url(redis.dsn) as client:
                assert not await client.exists("ws.events")


def chosen(**named):
    needed = {"GATEWAY_API_KEY": "k", "JWT_JWKS_URL": "https://id.example.com/keys"}
    config = load_config(EXAMPLES / "symfony.yaml", environ=needed | named)
    return {kind: [one.name for one in plugins] for kind, plugins in config.plugins.items()}


@pytest.mark.parametrize("nothing", [{}, {"REDIS_DSN": "", "RABBITMQ_DSN": "", "WS_MODE": ""}])
def test_the_drop_in_without_brokers_is_one_node(nothing):
    found = chosen(**nothing)
    assert found["transport"] == ["http"]
    assert found["events"] == ["webhook"]
    assert found["presence"] == found["bus"] == ["memory"]
    assert found["dead_letters"] == ["file"]


def test_the_drop_in_on_rabbitmq_alone_has_its_bus_and_dead_letters_there():
    found = chosen(RABBITMQ_DSN="amqp://rabbitmq", EVENTS_MODE="broker")
    assert found["transport"] == ["http", "rabbitmq"]
    assert (found["events"], found["bus"], found["dead_letters"]) == (
        ["rabbitmq"],
        ["rabbitmq"],
        ["rabbitmq"],
    )
    assert found["presence"] == ["memory"]


@pytest.mark.parametrize(
    ("named", "sinks"),
    [
        ({"WS_MODE": "core"}, ["redis_stream"]),
        ({"WS_MODE": "terminator"}, ["webhook"]),
        ({"WS_MODE": "core", "EVENTS_MODE": "webhook"}, ["webhook"]),
        ({"WS_MODE": "core", "EVENTS_MODE": "unknown"}, ["redis_stream"]),
    ],
)
def test_without_a_mode_of_events_the_gateways_mode_decides(named, sinks):
    assert chosen(REDIS_DSN="redis://redis", **named)["events"] == sinks


def test_presence_may_have_a_redis_of_its_own():
    assert chosen(PRESENCE_REDIS_DSN="redis://other")["presence"] == ["redis"]


@pytest.mark.parametrize("key", [{}, {"GATEWAY_API_KEY": ""}])
def test_the_drop_in_refuses_to_start_without_an_api_key(key):
    with pytest.raises(ConfigError, match="no key is given"):
        load_config(EXAMPLES / "symfony.yaml", environ={"JWT_JWKS_URL": "https://x/k"} | key)


def test_the_drop_in_takes_every_name_that_deployments_set():
    text = (EXAMPLES / "symfony.yaml").read_text()
    assert [name for name in NAMES.split() if name not in text] == []


def test_messages_go_to_an_inbox_only_where_one_is_named():
    needed = {
        "GATEWAY_API_KEY": "k",
        "JWT_JWKS_URL": "https://id.example.com/keys",
        "REDIS_DSN": "redis://redis",
        "RABBITMQ_DSN": "amqp://rabbitmq",
        "EVENTS_MODE": "broker",
    }
    plain = load_config(EXAMPLES / "symfony.yaml", environ=needed).plugins["events"]
    assert (plain[0].settings.streams, plain[1].settings.routes) == ({}, {})
    inbox = {"REDIS_INBOX_STREAM": "ws.inbox", "RABBITMQ_INBOX_QUEUE": "ws.inbox"}
    named = load_config(EXAMPLES / "symfony.yaml", environ=needed | inbox).plugins["events"]
    assert named[0].settings.streams == {"message_received": "ws.inbox"}
    assert named[1].settings.routes["message_received"].queue == "ws.inbox"
