"""The consumer of a RabbitMQ queue: what it does with messages, failures and the queue."""

import asyncio
from contextlib import asynccontextmanager

import aio_pika
import pytest
from tests.support.consuming import Handled, Told, body_of, consumer_process, first_times
from tests.support.survival import eventually

from gatewright.testing.brokers.rabbitmq_server import VirtualHost
from gatewright.testing.toxics import ToxicProxy
from gatewright_sdk.errors import ConfigurationError, Refused
from gatewright_sdk.events import RabbitMqConsumer
from gatewright_sdk.model import Event

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(90)]

QUEUE = "ws.events"
CONNECTIONS = [f"c{number}" for number in range(8)]
EACH = 40


@pytest.fixture
async def channel(rabbitmq):
    async with await aio_pika.connect(rabbitmq.dsn) as connection:
        yield await connection.channel()


@pytest.fixture
def told():
    return Told()


@asynccontextmanager
async def running(told, rabbitmq, **options):
    """Run a consumer; stopped at the end."""
    options = {"retry_seconds": 0.01} | options
    consumer = RabbitMqConsumer(told.registry, dsn=rabbitmq.dsn, **options)
    task = asyncio.create_task(consumer.run())
    try:
        yield consumer
    finally:
        consumer.stop()
        async with asyncio.timeout(20):
            await task


async def declare(channel, queue=QUEUE, **arguments):
    return await channel.declare_queue(queue, durable=True, arguments=arguments)


async def publish(channel, connection, seq, queue=QUEUE, body=None, **headers):
    message = aio_pika.Message(
        body_of(connection) if body is None else body,
        headers={"seq": seq, **headers},
        message_id=f"{connection}-{seq}",
    )
    await channel.default_exchange.publish(message, routing_key=queue)


async def waiting(channel, queue=QUEUE):
    found = await channel.declare_queue(queue, passive=True)
    return found.declaration_result.message_count


async def test_a_message_is_handled_and_acknowledged(told, rabbitmq, channel):
    await declare(channel)
    await publish(channel, "c1", 1, reason="node_lost")
    async with running(told, rabbitmq):
        await told.until(lambda: told.events)

    delivery = told.events[0].delivery
    assert (delivery.source, delivery.id, delivery.seq) == ("rabbitmq", "c1-1", 1)
    assert (delivery.reason, delivery.attempt, delivery.redelivered) == ("node_lost", None, False)
    assert await waiting(channel) == 0


async def test_what_is_missing_is_declared_as_gateways_do(told, rabbitmq, channel):
    async with running(told, rabbitmq):
        await eventually(lambda: has_queue(rabbitmq))
        exchange = await channel.declare_exchange(QUEUE, "direct", durable=True)
        await declare(channel)
        message = aio_pika.Message(body_of("c1"), delivery_mode=2)
        await exchange.publish(message, routing_key=QUEUE)
        await told.until(lambda: told.events)


async def has_queue(rabbitmq):
    async with await aio_pika.connect(rabbitmq.dsn) as connection:
        channel = await connection.channel()
        try:
            found = await channel.declare_queue(QUEUE, passive=True)
        except aio_pika.exceptions.ChannelNotFoundEntity:
            return False
        return found.declaration_result.consumer_count == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {"x-queue-type": "quorum"},
        {"x-max-priority": 5, "x-message-ttl": 600_000},
        {"x-single-active-consumer": True},
    ],
    ids=["quorum", "others", "single active consumer"],
)
async def test_a_queue_with_arguments_is_used_as_it_is(told, rabbitmq, channel, arguments):
    await declare(channel, **arguments)
    await publish(channel, "c1", 1)
    async with running(told, rabbitmq):
        await told.until(lambda: told.events)
    assert await waiting(channel) == 0


@pytest.mark.parametrize("body", [b"no JSON", b"\xff", b'{"type":"connected"}'])
async def test_what_is_no_event_becomes_a_dead_letter(told, rabbitmq, channel, body):
    await declare(channel)
    await publish(channel, "c1", 1, body=body)
    await publish(channel, "c1", 2)
    async with running(told, rabbitmq, dead_letter_queue="ws.dlq"):
        await told.until(lambda: told.events)
        await eventually(lambda: count_is(channel, "ws.dlq", 1))
        letter = await (await channel.get_queue("ws.dlq")).get(no_ack=True)

    assert letter.body == body
    assert (letter.headers["reason"], letter.headers["seq"]) == ("parse_error", 1)
    assert letter.message_id == "c1-1"


async def test_a_dead_letter_names_its_queue_and_not_how_it_came_there(told, rabbitmq, channel):
    queue, _ = await declare(channel), await declare(channel, "ws.dlq")
    await queue.bind("amq.direct", "another.key")
    exchange = await channel.get_exchange("amq.direct", ensure=False)
    await exchange.publish(aio_pika.Message(b"no JSON"), routing_key="another.key")
    async with running(told, rabbitmq, dead_letter_queue="ws.dlq"):
        await eventually(lambda: count_is(channel, "ws.dlq", 1))
        letter = await (await channel.get_queue("ws.dlq")).get(no_ack=True)
    assert letter.headers["queue"] == QUEUE


async def consumers_are(channel, count):
    found = await channel.declare_queue(QUEUE, passive=True)
    return found.declaration_result.consumer_count == count


async def count_is(channel, queue, count):
    return await waiting(channel, queue) == count


async def test_a_type_that_is_not_known_is_acknowledged(told, rabbitmq, channel):
    await declare(channel)
    await publish(channel, "c1", 1, body=b'{"type":"ping"}')
    await publish(channel, "c1", 2)
    async with running(told, rabbitmq):
        await told.until(lambda: told.events)
    assert await waiting(channel) == 0


async def test_a_failing_connection_waits_alone_and_then_becomes_a_dead_letter(
    told, rabbitmq, channel
):
    told.fails = lambda event: event.connection_id == "bad" and event.delivery.seq == 1
    await declare(channel)
    for seq in (1, 2):
        await publish(channel, "bad", seq)
    for seq in range(1, 31):
        await publish(channel, "good", seq)
    async with running(
        told,
        rabbitmq,
        prefetch=5,
        max_deliveries=4,
        retry_seconds=0.2,
        dead_letter_queue="ws.dlq",
    ):
        await told.until(lambda: len(told.of("good")) == 30)
        assert [each.delivery.seq for each in told.of("bad")].count(2) == 0, "it waits"
        await told.until(lambda: len(told.of("bad")) == 5)
        letter = await (await channel.get_queue("ws.dlq")).get(no_ack=True)

    assert [each.delivery.seq for each in told.of("good")] == list(range(1, 31))
    tries = told.of("bad")
    assert [each.delivery.seq for each in tries] == [1, 1, 1, 1, 2]
    assert [each.delivery.redelivered for each in tries] == [False, True, True, True, False]
    assert letter.headers["reason"] == "handler_failed"
    assert await waiting(channel) == 0


async def test_without_a_queue_for_them_the_queue_s_own_exchange_gets_dead_letters(
    told, rabbitmq, channel
):
    told.fails = lambda _event: True
    await declare(channel, "theirs")
    theirs = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "theirs"}
    await declare(channel, **theirs)
    await publish(channel, "c1", 1)
    async with running(told, rabbitmq, max_deliveries=2):
        await eventually(lambda: count_is(channel, "theirs", 1))
    assert len(told.events) == 2


async def test_what_a_quorum_queue_has_counted_is_honoured(told, rabbitmq, channel):
    """Such as of a message that kills its process each time."""
    queue = await declare(channel, **{"x-queue-type": "quorum"})
    await publish(channel, "c1", 1)
    for _ in range(3):
        message = await eventually_got(queue)
        await message.nack(requeue=True)
    async with running(told, rabbitmq, max_deliveries=3, dead_letter_queue="ws.dlq"):
        await eventually(lambda: has_letter(channel))
    assert told.events == []


async def eventually_got(queue):
    async with asyncio.timeout(20):
        while (message := await queue.get(fail=False)) is None:
            await asyncio.sleep(0.02)
    return message


async def has_letter(channel):
    found = await channel.declare_queue("ws.dlq", durable=True)
    return found.declaration_result.message_count == 1


async def test_a_queue_that_is_deleted_is_made_again(told, rabbitmq, channel):
    queue = await declare(channel)
    async with running(told, rabbitmq):
        await publish(channel, "c1", 1)
        await told.until(lambda: told.events)
        await queue.delete(if_unused=False, if_empty=False)
        await eventually(lambda: has_queue(rabbitmq))
        await publish(channel, "c1", 2)
        await told.until(lambda: len(told.events) == 2)


async def test_one_whose_channel_was_closed_goes_on(told, rabbitmq, rabbitmq_server, channel):
    """As ``consumer_timeout`` does: the message that was under way comes again."""
    await declare(channel)
    began, go = asyncio.Event(), asyncio.Event()

    @told.registry.on(Event)
    async def waits(_event):
        began.set()
        await go.wait()

    await publish(channel, "c1", 1)
    async with running(told, rabbitmq):
        await began.wait()
        closing = "[rabbit_channel:shutdown(Pid) || Pid <- rabbit_channel:list_local()]."
        await rabbitmq_server.ctl("eval", closing)
        go.set()
        await told.until(lambda: len(told.events) == 2)

    assert [each.delivery.redelivered for each in told.events] == [False, True]


async def test_stopping_finishes_what_is_under_way(told, rabbitmq, channel):
    go = asyncio.Event()

    @told.registry.on(Event)
    async def waits(_event):
        await go.wait()

    await declare(channel)
    for seq in (1, 2, 3):
        await publish(channel, "c1", seq)
    async with running(told, rabbitmq) as consumer:
        await told.until(lambda: told.events)
        await eventually(lambda: count_is(channel, QUEUE, 0))
        consumer.stop()
        asyncio.get_running_loop().call_later(0.05, go.set)

    assert [each.delivery.seq for each in told.events] == [1, 2, 3]
    assert await waiting(channel) == 0


async def test_stopping_without_a_connection_finishes_what_is_under_way(
    told, rabbitmq, rabbitmq_server, channel, caplog
):
    finished, go = [], asyncio.Event()

    @told.registry.on(Event)
    async def waits(event):
        await go.wait()
        finished.append(event.connection_id)

    await declare(channel)
    await publish(channel, "c1", 1)
    async with ToxicProxy.to("127.0.0.1", rabbitmq_server.port) as proxy:
        host = VirtualHost(
            rabbitmq.name, rabbitmq.dsn.replace(f":{rabbitmq_server.port}/", f":{proxy.port}/")
        )
        async with running(told, host) as consumer:
            await told.until(lambda: told.events)
            proxy.cut()
            await eventually(lambda: trying_again(caplog))
            consumer.stop()
            asyncio.get_running_loop().call_later(0.05, go.set)
    assert finished == ["c1"]
    await eventually(lambda: count_is(channel, QUEUE, 1))  # not acknowledged: it comes again


async def trying_again(caplog):
    return any("trying again in" in message for message in caplog.messages)


async def test_what_rabbitmq_refuses_ends_it_with_a_clear_error(told, rabbitmq):
    dsn = rabbitmq.dsn.replace("guest:guest", "guest:hunter2")
    with pytest.raises(Refused, match="refuses the user or the password") as caught:
        await RabbitMqConsumer(told.registry, dsn=dsn).run()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dsn": "redis://x:hunter2@y"}, "dsn: must be amqp://"),
        ({"dsn": "amqp://x:hunter2@y:port"}, "dsn: must be amqp://"),
        ({"queue": ""}, "queue"),
        ({"prefetch": 0}, "prefetch"),
        ({"max_deliveries": 0}, "max_deliveries"),
    ],
)
def test_options_that_cannot_be_used(told, options, said):
    with pytest.raises(ConfigurationError, match=said) as caught:
        RabbitMqConsumer(told.registry, **options)
    assert "hunter2" not in str(caught.value)


@pytest.fixture
def handled(tmp_path):
    return Handled(tmp_path / "handled")


async def fill(channel):
    await declare(channel)
    for seq in range(1, EACH + 1):
        for name in CONNECTIONS:
            await publish(channel, name, seq)


def in_order(lines):
    return all(numbers == list(range(1, EACH + 1)) for numbers in first_times(lines).values())


async def test_one_that_is_killed_loses_nothing_and_keeps_the_order(rabbitmq, channel, handled):
    await fill(channel)
    options = {"dsn": rabbitmq.dsn, "prefetch": 50, "pause": 0.01}
    for kill_after in (40, 130):
        async with consumer_process("rabbitmq", handled, **options) as process:
            await handled.until(lambda lines, most=kill_after: len(lines) >= most)
            process.kill()
    async with (
        consumer_process("rabbitmq", handled, **options),
        consumer_process("rabbitmq", handled, **options),
    ):
        lines = await handled.until_all(CONNECTIONS, EACH)
        await eventually(lambda: count_is(channel, QUEUE, 0))

    assert len({pid for pid, *_ in lines}) == 3, "the fourth stood by"
    assert in_order(lines)


async def test_those_that_share_lose_nothing_when_one_is_killed(rabbitmq, channel, handled):
    await declare(channel)
    options = {"dsn": rabbitmq.dsn, "prefetch": 10, "ordered": False, "pause": 0.01}
    async with (
        consumer_process("rabbitmq", handled, **options) as one,
        consumer_process("rabbitmq", handled, **options) as two,
    ):
        await eventually(lambda: consumers_are(channel, 2))
        await fill(channel)
        await handled.until(lambda lines: {pid for pid, *_ in lines} == {one.pid, two.pid})
        one.kill()
        await handled.until_all(CONNECTIONS, EACH)


async def test_a_connection_that_breaks_is_made_again(told, rabbitmq, rabbitmq_server, channel):
    await declare(channel)
    async with ToxicProxy.to("127.0.0.1", rabbitmq_server.port) as proxy:
        through = VirtualHost(
            rabbitmq.name, rabbitmq.dsn.replace(f":{rabbitmq_server.port}/", f":{proxy.port}/")
        )
        async with running(told, through):
            for seq in (1, 2, 3):
                await publish(channel, "c1", seq)
                await told.until(lambda count=seq: seq_count(told) == count)
                proxy.reset()
        assert proxy.connections >= 3
    assert list(dict.fromkeys(each.delivery.seq for each in told.events)) == [1, 2, 3]


def seq_count(told):
    return len({each.delivery.seq for each in told.events})
