"""Connections, declarations, consuming and publishing with a real broker."""

import asyncio
import time
from collections.abc import AsyncIterator

import anyio
import pytest
from aiormq.exceptions import AMQPConnectionError, ChannelNotFoundEntity
from pamqp.commands import Basic
from pydantic import SecretStr

from gatewright.testing.brokers.rabbitmq_server import RabbitServer
from gatewright.testing.toxics import ToxicProxy
from gatewright_rabbitmq_kit import (
    UNAVAILABLE,
    Blocked,
    Broker,
    ConfirmedPublisher,
    ConnectionLost,
    Consumer,
    ConsumerCancelled,
    ExchangeGone,
    Link,
    Message,
    NotConfirmed,
    QueueHeld,
    Refused,
    TopologyError,
    Unroutable,
    bind,
    describe,
    persistent,
    use_exchange,
    use_queue,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def broker(rabbitmq) -> Broker:
    """The test's own virtual host."""
    return Broker(SecretStr(rabbitmq.dsn), name="test")


@pytest.fixture
async def link(broker: Broker) -> AsyncIterator[Link]:
    """A connection to it."""
    async with broker.session() as connection:
        yield connection


@pytest.fixture
async def publisher(broker: Broker) -> AsyncIterator[ConfirmedPublisher]:
    """A publisher to a queue that it declares."""

    async def prepare(link: Link) -> None:
        await use_exchange(link, "x")
        await use_queue(link, "q")
        await bind(link, queue="q", exchange="x", routing_key="q")

    publisher = ConfirmedPublisher(broker, prepare=prepare)
    yield publisher
    await publisher.close()


def numbered(count: int, start: int = 0) -> list[Message]:
    return [Message(b"%d" % each, "x", "q") for each in range(start, start + count)]


async def bodies(broker: Broker, queue: str = "q") -> list[bytes]:
    found = []
    async with broker.session() as link:
        channel = await link.channel()
        while isinstance((message := await channel.basic_get(queue)).delivery, Basic.GetOk):
            found.append(message.body)
    return found


async def test_a_refused_connection_is_told_in_one_line():
    broker = Broker(SecretStr("amqp://u:hush@127.0.0.1:1/"), name="test")
    with pytest.raises(UNAVAILABLE) as raised:
        await broker.connect()
    assert "refused" in describe(raised.value).lower() or "Connect" in describe(raised.value)
    assert "hush" not in describe(raised.value)


async def test_a_wrong_password_is_told_without_it(rabbitmq):
    broker = Broker(SecretStr(rabbitmq.dsn.replace("guest:guest", "guest:hush")), name="test")
    with pytest.raises(AMQPConnectionError) as raised:
        await broker.connect()
    assert "hush" not in describe(raised.value)


async def test_a_server_that_says_nothing_is_left_in_time(rabbitmq_server):
    async with ToxicProxy.to("127.0.0.1", rabbitmq_server.port) as proxy:
        proxy.stall()
        dsn = SecretStr(f"amqp://guest:guest@127.0.0.1:{proxy.port}/")
        began = time.monotonic()
        with pytest.raises(TimeoutError, match=r"no answer within 0\.5 s"):
            await Broker(dsn, name="test", timeout=0.5).connect()
        assert time.monotonic() - began < 4


async def test_closing_is_bounded_where_nothing_answers(rabbitmq_server):
    async with ToxicProxy.to("127.0.0.1", rabbitmq_server.port) as proxy:
        dsn = SecretStr(f"amqp://guest:guest@127.0.0.1:{proxy.port}/")
        link = await Broker(dsn, name="test", timeout=1).connect()
        proxy.stall()
        with pytest.raises(TimeoutError):
            await use_queue(link, "q")
        began = time.monotonic()
        await link.close()
        assert time.monotonic() - began < 6
        assert link.lost


async def test_a_connection_that_ends_is_no_cancellation(link):
    channel = await link.channel()
    link.abort()
    with pytest.raises(UNAVAILABLE):
        await use_queue(link, "q")
    with pytest.raises(UNAVAILABLE):
        await link.channel()
    assert channel.is_closed or link.lost


async def test_absent_things_are_declared_durable_without_arguments(link):
    await use_exchange(link, "x", "fanout")
    assert await use_queue(link, "q") == 0
    async with link.passing_channel() as channel:
        await channel.exchange_declare("x", exchange_type="fanout", durable=True)
        await channel.queue_declare("q", durable=True)
    await use_exchange(link, "")


async def test_existing_things_are_used_whatever_their_arguments(link):
    async with link.passing_channel() as channel:
        await channel.exchange_declare("x", exchange_type="direct", durable=False)
        await channel.queue_declare("q", durable=False, arguments={"x-max-length": 5})
    await use_exchange(link, "x")
    await use_queue(link, "q")
    await bind(link, queue="q", exchange="x", routing_key="q")


async def test_what_cannot_be_used_is_named(link, broker):
    await use_exchange(link, "x", "topic")
    with pytest.raises(TopologyError, match="exchange x exists with another type than direct"):
        await use_exchange(link, "x")
    async with broker.session() as other:
        async with other.passing_channel() as channel:
            await channel.queue_declare("theirs", exclusive=True)
        with pytest.raises(TopologyError, match="queue theirs is exclusive to another connection"):
            await use_queue(link, "theirs")
    with pytest.raises(ChannelNotFoundEntity):
        await bind(link, queue="none", exchange="x")
    assert not link.lost


async def test_messages_come_in_batches_in_order(broker, link, publisher):
    assert await publisher.publish_many(numbered(1000)) == [None] * 1000
    consumer = await Consumer.open(link, "q", prefetch=100)
    found: list[bytes] = []
    while len(found) < 1000:
        batch = await consumer.take(5)
        assert 0 < len(batch) <= 100
        found += [each.body for each in batch]
        await consumer.ack(batch[-1].delivery_tag or 0, multiple=True)
    assert found == [b"%d" % each for each in range(1000)]
    assert await consumer.take(0.05) == []
    await consumer.check()
    await consumer.close()
    assert await use_queue(link, "q") == 0


async def test_what_is_not_acknowledged_goes_back_in_its_place(broker, link, publisher):
    await publisher.publish_many(numbered(10))
    consumer = await Consumer.open(link, "q", prefetch=5)
    batch = await consumer.take()
    await consumer.ack(batch[0].delivery_tag or 0)
    await consumer.cancel()
    await consumer.close()
    assert await bodies(broker) == [b"%d" % each for each in range(1, 10)]


async def test_a_held_queue_is_told_apart(link, broker):
    await use_queue(link, "q")
    await Consumer.open(link, "q", prefetch=1, exclusive=True)
    async with broker.session() as other:
        for exclusive in (True, False):
            with pytest.raises(QueueHeld, match="queue q is held"):
                await Consumer.open(other, "q", prefetch=1, exclusive=exclusive)
        assert not other.lost


async def test_a_deleted_queue_is_told_after_its_messages(link, publisher):
    await publisher.publish_many(numbered(3))
    consumer = await Consumer.open(link, "q", prefetch=10)
    with anyio.fail_after(20):
        while len(consumer.waiting) < 3:
            await asyncio.sleep(0.01)
    async with link.passing_channel() as channel:
        await channel.queue_delete("q")
    with anyio.fail_after(20):
        while consumer.failed is None:
            await asyncio.sleep(0.01)
    assert [each.body for each in await consumer.take()] == [b"0", b"1", b"2"]
    with pytest.raises(ConsumerCancelled):
        await consumer.take()


async def test_a_lost_connection_ends_a_waiting_consumer(link):
    await use_queue(link, "q")
    consumer = await Consumer.open(link, "q", prefetch=10)
    waiting = asyncio.create_task(consumer.take())
    await asyncio.sleep(0)
    link.abort()
    with pytest.raises(ConnectionLost):
        await waiting
    with pytest.raises(UNAVAILABLE):
        await consumer.ack(1)


async def test_each_message_has_its_own_outcome(broker, publisher):
    await publisher.connect()
    assert publisher.connected
    lost = Message(b"lost", "x", "nowhere", persistent(message_id="same"))
    found = Message(b"found", "x", "q", persistent(message_id="same"))
    outcomes = await publisher.publish_many([found, lost, found, lost])
    assert [type(each) for each in outcomes] == [type(None), Unroutable, type(None), Unroutable]
    with pytest.raises(Unroutable, match="exchange x, routing key nowhere"):
        await publisher.publish(lost)
    assert await bodies(broker) == [b"found", b"found"]


async def test_a_large_body_is_cut_into_frames(broker, publisher):
    large = bytes(range(256)) * 4096
    await publisher.publish(Message(large, "x", "q"))
    await publisher.publish(Message(b"", "x", "q"))
    assert await bodies(broker) == [large, b""]


async def test_many_tasks_publish_at_once(broker, publisher):
    outcomes = await asyncio.gather(
        *(publisher.publish_many(numbered(50, start)) for start in range(0, 1000, 50))
    )
    assert outcomes == [[None] * 50] * 20
    assert sorted(map(int, await bodies(broker))) == list(range(1000))


async def test_a_missing_exchange_is_unknown_and_prepared_again(link, publisher, broker):
    await publisher.publish_many(numbered(1))
    async with link.passing_channel() as channel:
        await channel.exchange_delete("x")
    with pytest.raises(ExchangeGone, match="NOT_FOUND"):
        await publisher.publish(Message(b"1", "x", "q"))
    await publisher.publish(Message(b"2", "x", "q"))
    assert await bodies(broker) == [b"0", b"2"]


async def test_a_deleted_queue_is_unroutable_and_prepared_again(link, publisher, broker):
    await publisher.publish_many(numbered(1))
    async with link.passing_channel() as channel:
        await channel.queue_delete("q")
    with pytest.raises(Unroutable):
        await publisher.publish(Message(b"1", "x", "q"))
    await publisher.publish(Message(b"2", "x", "q"))
    assert await bodies(broker) == [b"2"]


async def test_a_full_queue_refuses(link, broker):
    async with link.passing_channel() as channel:
        arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}
        await channel.queue_declare("full", durable=True, arguments=arguments)
    publisher = ConfirmedPublisher(broker)
    outcomes = await publisher.publish_many([Message(b"1", "", "full")] * 3)
    assert outcomes[0] is None
    assert isinstance(outcomes[-1], Refused)
    await publisher.close()


async def test_a_connection_that_ends_is_replaced_by_the_next_call(rabbitmq, broker):
    port = int(broker.shown.partition(":")[2].partition("/")[0])
    async with ToxicProxy.to("127.0.0.1", port) as proxy:
        through = Broker(SecretStr(rabbitmq.dsn.replace(str(port), str(proxy.port))), name="test")

        async def prepare(link: Link) -> None:
            await use_queue(link, "q")

        publisher = ConfirmedPublisher(through, prepare=prepare, timeout=1)
        await publisher.publish(Message(b"1", "", "q"))
        proxy.cut()
        with pytest.raises(UNAVAILABLE):
            await publisher.publish(Message(b"2", "", "q"))
        proxy.heal()
        with anyio.fail_after(20):
            while True:
                try:
                    await publisher.publish(Message(b"3", "", "q"))
                    break
                except UNAVAILABLE:
                    await asyncio.sleep(0.05)
        proxy.stall()
        began = time.monotonic()
        with pytest.raises(NotConfirmed, match="did not confirm it in time"):
            await publisher.publish(Message(b"4", "", "q"))
        assert time.monotonic() - began < 5
        proxy.heal()
        await publisher.publish(Message(b"5", "", "q"))
        await publisher.close()
    found = await bodies(broker)
    assert [each for each in found if each not in {b"2", b"4"}] == [b"1", b"3", b"5"]


@pytest.mark.timeout(180)  # a server of its own boots, and is starved twice
async def test_row_10_and_11_frozen_is_unknown_and_an_alarm_is_blocked(tmp_path):
    async with RabbitServer.start(tmp_path / "own") as server:
        broker = Broker(SecretStr(server.dsn), name="test")

        async def prepare(link: Link) -> None:
            await use_queue(link, "q")

        publisher = ConfirmedPublisher(broker, prepare=prepare, timeout=1)
        await publisher.publish(Message(b"1", "", "q"))
        await server.ctl("set_vm_memory_high_watermark", "0.00001")
        for _ in range(2):
            with pytest.raises((Blocked, NotConfirmed)):
                await publisher.publish(Message(b"2", "", "q", persistent(message_id="m2")))
        with pytest.raises(Blocked, match="an alarm is raised"):
            await publisher.publish(Message(b"2", "", "q", persistent(message_id="m2")))
        await server.ctl("set_vm_memory_high_watermark", "0.6")
        with anyio.fail_after(20):
            while True:
                try:
                    await publisher.publish(Message(b"3", "", "q"))
                    break
                except UNAVAILABLE:
                    await asyncio.sleep(0.05)
        found = await bodies(broker)
        assert found[0] == b"1"
        assert found[-1] == b"3"
        assert set(found) <= {b"1", b"2", b"3"}

        server.freeze()
        try:
            with pytest.raises(NotConfirmed):
                await publisher.publish(Message(b"4", "", "q"))
            began = time.monotonic()
            await publisher.close()
            assert time.monotonic() - began < 5
        finally:
            server.thaw()


async def test_cancelling_while_connecting_leaves_nothing(rabbitmq_server):
    async with ToxicProxy.to("127.0.0.1", rabbitmq_server.port) as proxy:
        proxy.stall()
        broker = Broker(SecretStr(f"amqp://guest:guest@127.0.0.1:{proxy.port}/"), name="test")
        publisher = ConfirmedPublisher(broker)
        with anyio.move_on_after(0.2) as scope:
            await publisher.connect()
        assert scope.cancelled_caught
        with anyio.fail_after(5):
            await publisher.close()
