"""Publishing through Redis and RabbitMQ, and by a rule that picks."""

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import aio_pika
import pytest
from redis.asyncio import Redis
from tests.sdk.conftest import KEY, gateway_with, heard
from tests.support.certificates import Certificates

from gatewright.testing.brokers.redis_server import RedisServer
from gatewright.testing.ports import free_port
from gatewright.testing.toxics import ToxicProxy
from gatewright_sdk import (
    ConfigurationError,
    Events,
    HttpTransport,
    InvalidPublication,
    Publication,
    Published,
    Publisher,
    RabbitMqTransport,
    RedisStreamConsumer,
    RedisStreamTransport,
    Refused,
    Unavailable,
)
from gatewright_sdk.config import HttpSettings, RabbitMqSettings, RedisStreamSettings

pytestmark = pytest.mark.anyio


def redis_transport(dsn, **options):
    return RedisStreamTransport(RedisStreamSettings(dsn=dsn, **options))


def rabbitmq_transport(dsn, **options):
    return RabbitMqTransport(RabbitMqSettings(dsn=dsn, **options))


@asynccontextmanager
async def channel_of(dsn):
    connection = await aio_pika.connect(dsn)
    async with connection:
        yield await connection.channel()


async def entries(dsn, stream="ws.outbox"):
    async with Redis.from_url(dsn) as client:
        return [json.loads(fields[b"data"]) for _, fields in await client.xrange(stream)]


async def test_through_redis_to_a_client(redis):
    transports = {"redis_stream": {"dsn": redis.dsn}}
    async with (
        gateway_with(transports=transports) as gateway,
        gateway.connect("42") as client,
        Publisher(redis_transport(redis.dsn)) as publisher,
    ):
        await gateway.events.wait_for("connected", user="42")
        assert await publisher.send(42, {"n": "ü"}) == Published()
        await publisher.publish_many([Publication.to("user:42", n) for n in range(3)])
        assert [heard(await client.recv()) for _ in range(4)] == [{"n": "ü"}, 0, 1, 2]


async def test_through_rabbitmq_to_a_client(rabbitmq):
    transports = {"rabbitmq": {"dsn": rabbitmq.dsn}}
    async with (
        gateway_with(transports=transports) as gateway,
        gateway.connect("42") as client,
        Publisher(rabbitmq_transport(rabbitmq.dsn)) as publisher,
    ):
        await gateway.events.wait_for("connected", user="42")
        assert await publisher.send(42, {"n": "ü"}) == Published()
        await publisher.publish_many([Publication.to("user:42", n) for n in range(3)])
        assert [heard(await client.recv()) for _ in range(4)] == [{"n": "ü"}, 0, 1, 2]


async def test_an_entry_is_what_the_contract_says(redis):
    async with Publisher(redis_transport(redis.dsn)) as publisher:
        await publisher.publish(["user:42", "room:7"], None, id="a")
        async with Redis.from_url(redis.dsn) as client:
            ((_, fields),) = await client.xrange("ws.outbox")
    assert fields == {b"data": b'{"subjects":["user:42","room:7"],"payload":null,"id":"a"}'}


async def test_a_stream_keeps_as_many_entries_as_it_may(redis):
    async with Publisher(redis_transport(redis.dsn, stream="s", max_length=100)) as publisher:
        await publisher.publish_many([Publication.to("a", n) for n in range(1000)])
    assert 100 <= len(await entries(redis.dsn, "s")) <= 300


async def test_many_that_cannot_all_be_said_are_not_sent(redis):
    async with Publisher(redis_transport(redis.dsn)) as publisher:
        with pytest.raises(InvalidPublication):
            await publisher.publish_many([Publication.to("a", 1), Publication.to("a", {1})])
    assert await entries(redis.dsn) == []


async def test_redis_that_refuses_is_told_without_its_password(redis):
    async with Redis.from_url(redis.dsn) as client:
        await client.set("ws.outbox", "no stream")
        await client.acl_setuser("poor", enabled=True, passwords=["+hunter2"], commands=["+ping"])
    async with Publisher(redis_transport(redis.dsn)) as publisher:
        with pytest.raises(Refused, match=r"redis 127.0.0.1:\d+ answers: WRONGTYPE"):
            await publisher.publish("a", 1)
    for user in ("poor:hunter2", "poor:hunter3"):
        dsn = redis.dsn.replace("redis://", f"redis://{user}@")
        async with Publisher(redis_transport(dsn)) as publisher:
            with pytest.raises(Refused) as caught:
                await publisher.publish("a", 1)
            assert "hunter" not in str(caught.value)


async def test_redis_that_is_gone_and_comes_back(redis):
    async with Publisher(redis_transport(redis.dsn)) as publisher:
        await publisher.publish("a", 1)
        await redis.kill()
        with pytest.raises(Unavailable, match=r"redis 127.0.0.1:\d+ does not answer"):
            await publisher.publish("a", 2)
        await redis.boot()
        await publisher.publish("a", 3)
    assert [each["payload"] for each in await entries(redis.dsn)] == [1, 3]


async def test_redis_that_stalls_is_given_up_in_time(redis):
    port = int(redis.dsn.rsplit(":", 1)[1].split("/")[0])
    async with ToxicProxy.to("127.0.0.1", port) as proxy:
        transport = redis_transport(f"redis://127.0.0.1:{proxy.port}", timeout_seconds=0.3)
        async with Publisher(transport) as publisher:
            await publisher.publish("a", 1)
            proxy.stall()
            with pytest.raises(Unavailable, match=r"did not answer within 0.3 s"):
                await publisher.publish("a", 2)
            proxy.heal()
            await publisher.publish("a", 3)


async def test_no_redis_at_all(tmp_path):
    async with RedisServer.absent(tmp_path) as redis:
        async with Publisher(redis_transport(redis.dsn)) as publisher:
            with pytest.raises(Unavailable):
                await publisher.publish("a", 1)


async def test_a_message_is_what_the_contract_says(rabbitmq):
    async with Publisher(rabbitmq_transport(rabbitmq.dsn)) as publisher:
        await publisher.publish("user:42", {"n": 1})
    async with channel_of(rabbitmq.dsn) as channel:
        queue = await channel.get_queue("ws.outbox", ensure=True)
        message = await queue.get(timeout=5)
        assert message.body == b'{"subjects":["user:42"],"payload":{"n":1}}'
        assert message.content_type == "application/json"
        assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
        await message.ack()
        await channel.declare_exchange("ws.outbox", "direct", durable=True)  # no arguments
        await channel.declare_queue("ws.outbox", durable=True)


@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_default_vhost_with_and_without_a_slash(rabbitmq_server, slash):
    dsn = f"amqp://guest:guest@127.0.0.1:{rabbitmq_server.port}{slash}"
    names = dict.fromkeys(("exchange", "queue", "routing_key"), f"sdk-slash-{len(slash)}")
    async with Publisher(rabbitmq_transport(dsn, **names)) as publisher:
        await publisher.publish("a", 1)
    async with channel_of(f"amqp://guest:guest@127.0.0.1:{rabbitmq_server.port}/") as channel:
        queue = await channel.get_queue(names["queue"])
        assert (await queue.get(no_ack=True)).body == b'{"subjects":["a"],"payload":1}'
        await queue.delete()
        await channel.exchange_delete(names["exchange"])


async def test_what_others_declared_with_arguments_is_used_as_it_is(rabbitmq):
    async with channel_of(rabbitmq.dsn) as channel:
        await channel.declare_exchange("ws.outbox", "direct", durable=True, internal=False)
        arguments = {"x-max-length": 10, "x-queue-type": "quorum"}
        await channel.declare_queue("ws.outbox", durable=True, arguments=arguments)
        async with Publisher(rabbitmq_transport(rabbitmq.dsn)) as publisher:
            await publisher.publish("a", 1)
        queue = await channel.get_queue("ws.outbox")
        assert (await queue.get(no_ack=True, timeout=5)).body


async def test_a_message_that_no_queue_takes_is_refused(rabbitmq):
    async with Publisher(rabbitmq_transport(rabbitmq.dsn)) as publisher:
        await publisher.publish("a", 1)
        async with channel_of(rabbitmq.dsn) as channel:
            await channel.queue_delete("ws.outbox")
        with pytest.raises(Refused, match=r"has no queue behind exchange 'ws.outbox'"):
            await publisher.publish("a", 2)
        await publisher.publish("a", 3)  # what is missing was made again


async def test_rabbitmq_that_refuses_is_told_without_its_password(rabbitmq):
    dsn = rabbitmq.dsn.replace("guest:guest@", "guest:hunter2@")
    assert dsn != rabbitmq.dsn
    async with Publisher(rabbitmq_transport(dsn)) as publisher:
        with pytest.raises(Refused, match="refuses the user or the password") as caught:
            await publisher.publish("a", 1)
        assert "hunter2" not in str(caught.value)


async def test_rabbitmq_that_is_cut_off_and_comes_back(rabbitmq, rabbitmq_server):
    async with ToxicProxy.to("127.0.0.1", rabbitmq_server.port) as proxy:
        dsn = rabbitmq.dsn.replace(f":{rabbitmq_server.port}", f":{proxy.port}")
        async with Publisher(rabbitmq_transport(dsn, timeout_seconds=2)) as publisher:
            await publisher.publish("a", 1)
            proxy.cut()
            with pytest.raises(Unavailable, match=r"does not answer|did not"):
                await publisher.publish("a", 2)
            proxy.heal()
            await publisher.publish("a", 3)
            proxy.stall()
            with pytest.raises(Unavailable, match="did not answer within 2 s") as caught:
                await publisher.publish_many([Publication.to("a", 4)])
            assert caught.value.published == 0
            proxy.heal()


async def test_publications_side_by_side_share_a_connection(rabbitmq):
    async with Publisher(rabbitmq_transport(rabbitmq.dsn)) as publisher:
        await asyncio.gather(*(publisher.publish("a", n) for n in range(200)))
    async with channel_of(rabbitmq.dsn) as channel:
        declared = await channel.declare_queue("ws.outbox", passive=True)
        assert declared.declaration_result.message_count == 200


async def test_a_rule_picks_for_each(redis, gateway):
    transports = {
        "sure": redis_transport(redis.dsn),
        "fast": HttpTransport(HttpSettings(base_url=gateway.http, api_key=KEY)),
    }

    def rule(publication):
        return publication.payload["by"]

    async with Publisher.choosing(transports, rule) as publisher:
        assert (await publisher.publish("a", {"by": "fast"})).sent == 0
        assert (await publisher.publish("a", {"by": "sure"})).sent is None
        several = [Publication.to("a", {"by": by}) for by in ("sure", "sure", "fast", "sure")]
        assert [each.sent for each in await publisher.publish_many(several)] == [
            *(None, None, 0, None)
        ]
        unknown = "the rule picked transport 'pigeon', there are fast, sure"
        with pytest.raises(ConfigurationError, match=unknown):
            await publisher.publish("a", {"by": "pigeon"})
        with pytest.raises(ConfigurationError):
            await publisher.publish_many([several[0], Publication.to("a", {"by": "pigeon"})])
    assert len(await entries(redis.dsn)) == 4


def test_a_rule_needs_something_to_pick_from():
    with pytest.raises(ConfigurationError, match="there must be at least one"):
        Publisher.choosing({}, lambda _publication: "a")


@pytest.mark.parametrize(
    "make",
    [
        lambda: redis_transport("http://:hunter2@redis"),
        lambda: rabbitmq_transport("http://:hunter2@rabbitmq"),
        lambda: rabbitmq_transport("amqp://guest:hunter2@rabbitmq:x"),
    ],
)
async def test_an_address_that_is_none_is_told_at_once(make):
    with pytest.raises(ConfigurationError, match=r"^dsn: must be ") as caught:
        make()
    assert "hunter2" not in str(caught.value)


async def test_publications_side_by_side_wait_for_one_of_redis_connections(redis):
    async with Publisher(redis_transport(redis.dsn)) as publisher:
        publishing = (publisher.publish("user:1", number) for number in range(300))
        assert await asyncio.gather(*publishing) == [Published()] * 300
    assert len(await entries(redis.dsn)) == 300


def test_an_option_that_the_library_does_not_know_is_told_at_once():
    for make in (redis_transport, lambda dsn: RedisStreamConsumer(Events(), dsn=dsn)):
        with pytest.raises(ConfigurationError, match="an option that is not known") as caught:
            make("redis://redis:6379?auth=hunter2")
        assert "hunter2" not in str(caught.value)


async def test_a_virtual_host_that_is_not_there_is_told(rabbitmq_server):
    dsn = f"{rabbitmq_server.dsn.rstrip('/')}/nowhere"
    async with Publisher(rabbitmq_transport(dsn)) as publisher:
        with pytest.raises(Unavailable, match="opens no such virtual host"):
            await publisher.publish("user:1", 1)


async def test_redis_over_tls(tmp_path):
    certificates = Certificates.make(tmp_path)
    tls, server = free_port(), str(certificates.server)
    options = ("--tls-port", str(tls), "--tls-cert-file", server, "--tls-key-file", server)
    options += ("--tls-ca-cert-file", str(certificates.authority), "--tls-auth-clients", "no")
    dsn = f"rediss://127.0.0.1:{tls}?ssl_ca_certs={certificates.authority}"
    async with RedisServer.start(tmp_path / "redis", options=options) as redis:
        async with Publisher(redis_transport(dsn)) as publisher:
            await publisher.publish("user:1", 1)
        async with Publisher(redis_transport(f"rediss://127.0.0.1:{tls}")) as distrustful:
            with pytest.raises(Unavailable, match="does not answer"):
                await distrustful.publish("user:1", 2)
        assert [each["payload"] for each in await entries(redis.dsn)] == [1]


@asynccontextmanager
async def tls_before(port, certificates):
    """A port that speaks TLS and hands what it hears to another one."""
    forwarding = set()

    async def forward(reader, writer):
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    async def accept(reader, writer):
        forwarding.add(asyncio.current_task())
        there = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(forward(reader, there[1]), forward(there[0], writer))

    tls = certificates.server_context()
    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await asyncio.wait(forwarding, timeout=10)


async def test_rabbitmq_over_tls(rabbitmq, tmp_path):
    certificates = Certificates.make(tmp_path)
    plain = urlsplit(rabbitmq.dsn)
    async with tls_before(plain.port, certificates) as port:
        dsn = f"amqps://guest:guest@127.0.0.1:{port}{plain.path}"
        trusting = f"{dsn}?cafile={certificates.authority}"
        async with Publisher(rabbitmq_transport(trusting)) as publisher:
            await publisher.publish("user:1", 1)
        async with Publisher(rabbitmq_transport(dsn)) as distrustful:
            with pytest.raises(Unavailable, match="does not answer"):
                await distrustful.publish("user:1", 2)
    async with channel_of(rabbitmq.dsn) as channel:
        queue = await channel.get_queue("ws.outbox", ensure=True)
        assert queue.declaration_result.message_count == 1
