"""The consumer of Redis streams: what it does with entries, failures and the group."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis
from tests.support.consuming import Told, body_of
from tests.support.survival import eventually

from gatewright_sdk.errors import ConfigurationError, Refused
from gatewright_sdk.events import RedisStreamConsumer
from gatewright_sdk.model import Event

pytestmark = pytest.mark.anyio

STREAM, GROUP = "ws.events", "backend"


@pytest.fixture
async def client(redis):
    async with Redis.from_url(redis.dsn) as client:
        yield client


@pytest.fixture
def told():
    return Told()


@asynccontextmanager
async def running(told, redis, **options):
    """Run a consumer; stopped at the end."""
    options = {"start": "0", "retry_seconds": 0.01, "reclaim_after_seconds": 0.6} | options
    consumer = RedisStreamConsumer(told.registry, dsn=redis.dsn, **options)
    task = asyncio.create_task(consumer.run())
    try:
        yield consumer
    finally:
        consumer.stop()
        async with asyncio.timeout(20):
            await task


async def add(client, connection, seq, stream=STREAM, **more):
    fields = {"data": body_of(connection), "id": f"{connection}-{seq}", "seq": seq, **more}
    return await client.xadd(stream, fields)


async def pending(client, stream=STREAM):
    return (await client.xpending(stream, GROUP))["pending"]


async def test_an_entry_is_handled_and_acknowledged(told, redis, client):
    await add(client, "c1", 1, reason="node_lost")
    async with running(told, redis):
        await told.until(lambda: told.events)
        await eventually(lambda: empty(client))

    delivery = told.events[0].delivery
    assert (delivery.source, delivery.id, delivery.seq) == ("redis_stream", "c1-1", 1)
    assert (delivery.reason, delivery.attempt, delivery.redelivered) == ("node_lost", 1, False)
    assert await client.xlen(STREAM) == 1, "acknowledged, not deleted"


async def empty(client):
    return await pending(client) == 0


async def test_it_leaves_nothing_behind(told, redis, client):
    async with running(told, redis):
        await add(client, "c1", 1)
        await told.until(lambda: told.events)

    assert await client.keys() == [STREAM.encode()], "the lease was given back"
    assert await client.xinfo_consumers(STREAM, GROUP) == []


@pytest.mark.parametrize(("start", "heard"), [("$", [2]), ("0", [1, 2])])
async def test_where_a_new_group_begins(told, redis, client, start, heard):
    await add(client, "c1", 1)
    async with running(told, redis, start=start):
        await eventually(lambda: has_group(client))
        await add(client, "c1", 2)
        await told.until(lambda: len(told.events) == len(heard))
    assert [each.delivery.seq for each in told.events] == heard


async def has_group(client):
    return bool(await client.exists(STREAM)) and len(await client.xinfo_groups(STREAM)) == 1


async def test_a_group_goes_on_where_it_was(told, redis, client):
    await add(client, "c1", 1)
    async with running(told, redis):
        await told.until(lambda: told.events)
    await add(client, "c1", 2)
    async with running(told, redis):
        await told.until(lambda: len(told.events) == 2)

    assert [each.delivery.seq for each in told.events] == [1, 2]


async def test_several_streams(told, redis, client):
    await add(client, "c1", 1)
    await add(client, "c2", 1, stream="ws.inbox")
    async with running(told, redis, streams=(STREAM, "ws.inbox")):
        await told.until(lambda: len(told.events) == 2)
    assert await pending(client, "ws.inbox") == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"data": "no JSON"},
        {"data": b"\xff"},
        {"data": '{"type":"connected"}'},
        {"other": "x"},
    ],
)
async def test_what_is_no_event_becomes_a_dead_letter_and_blocks_nothing(
    told, redis, client, fields
):
    entry = await client.xadd(STREAM, fields)
    await add(client, "c1", 1)
    async with running(told, redis, dead_letter_stream="ws.dlq"):
        await told.until(lambda: told.events)
        await eventually(lambda: empty(client))
        ((_, letter),) = await client.xrange("ws.dlq")

    assert (letter[b"reason"], letter[b"entry"]) == (b"parse_error", entry)
    raw = fields.get("data") or json.dumps(fields)
    assert letter[b"raw"] == (raw if isinstance(raw, bytes) else raw.encode())


async def test_a_type_that_is_not_known_is_acknowledged(told, redis, client):
    await client.xadd(STREAM, {"data": '{"type":"ping"}'})
    await add(client, "c1", 1)
    async with running(told, redis, dead_letter_stream="ws.dlq"):
        await told.until(lambda: told.events)
        await eventually(lambda: empty(client))
    assert not await client.exists("ws.dlq")


async def test_a_failing_connection_waits_alone_and_then_becomes_a_dead_letter(told, redis, client):
    told.fails = lambda event: event.connection_id == "bad" and event.delivery.seq == 1
    for seq in (1, 2):
        await add(client, "bad", seq)
    for seq in range(1, 31):
        await add(client, "good", seq)
    async with running(
        told, redis, batch=5, max_deliveries=4, dead_letter_stream="ws.dlq", retry_seconds=0.2
    ):
        await told.until(lambda: len(told.of("good")) == 30)
        assert [each.delivery.seq for each in told.of("bad")].count(2) == 0, "it waits"
        await told.until(lambda: len(told.of("bad")) == 5)
        await eventually(lambda: empty(client))
        ((_, letter),) = await client.xrange("ws.dlq")

    assert [each.delivery.seq for each in told.of("good")] == list(range(1, 31))
    tries = told.of("bad")
    assert [each.delivery.seq for each in tries] == [1, 1, 1, 1, 2]
    assert [each.delivery.attempt for each in tries] == [1, 2, 3, 4, 1]
    assert [each.delivery.redelivered for each in tries] == [False, True, True, True, False]
    assert letter[b"reason"] == b"handler_failed"
    assert (letter[b"deliveries"], letter[b"id"], letter[b"seq"]) == (b"4", b"bad-1", b"1")
    assert letter[b"raw"] == body_of("bad")


async def test_a_failing_connection_with_more_than_a_batch_blocks_no_other(told, redis, client):
    told.fails = lambda event: event.connection_id == "bad"
    for seq in range(1, 41):
        await add(client, "bad", seq)
    await add(client, "good", 1)
    async with running(told, redis, batch=5, retry_seconds=30):
        await told.until(lambda: told.of("good"))

    assert len(told.of("bad")) == 1
    assert await pending(client) == 40, "left for the next consumer"


async def test_without_a_stream_for_them_dead_letters_are_logged(told, redis, client, caplog):
    told.fails = lambda _event: True
    entry = await add(client, "bad", 1)
    async with running(told, redis, max_deliveries=2):
        await told.until(lambda: len(told.events) == 2)
        await eventually(lambda: empty(client))

    assert f"entry {entry.decode()} of ws.events is given up" in caplog.text
    assert await client.xlen(STREAM) == 1, "it is still there"


async def test_a_group_that_is_gone_is_made_again_and_nothing_skipped(told, redis, client):
    async with running(told, redis, start="$"):
        await eventually(lambda: has_group(client))
        await add(client, "c1", 1)
        await told.until(lambda: len(told.events) == 1)
        async with client.pipeline(transaction=True) as pipe:
            pipe.flushall()
            for seq in (2, 3):
                pipe.xadd(STREAM, {"data": body_of("c1"), "seq": seq})
            await pipe.execute()
        await told.until(lambda: len(told.events) == 3)

    assert [each.delivery.seq for each in told.events] == [1, 2, 3]


@pytest.mark.parametrize("ordered", [True, False])
async def test_entries_that_were_trimmed_while_pending_are_told_of(
    told, redis, client, ordered, caplog
):
    await client.xgroup_create(STREAM, GROUP, "0", mkstream=True)
    for seq in range(1, 6):
        await add(client, "c1", seq)
    await client.xreadgroup(GROUP, "dead", {STREAM: ">"}, count=4)
    await client.xtrim(STREAM, maxlen=3, approximate=False)
    async with running(told, redis, ordered=ordered, reclaim_after_seconds=0.2):
        await told.until(lambda: len(told.events) == 3)
        await eventually(lambda: empty(client))

    assert {each.delivery.seq for each in told.events} == {3, 4, 5}
    assert "2 events were trimmed from ws.events before they were handled" in caplog.text


async def test_what_is_being_handled_is_not_taken_over(told, redis, client):
    go = asyncio.Event()

    @told.registry.on(Event)
    async def waits(_event):
        await go.wait()

    await add(client, "c1", 1)
    shared = {"ordered": False, "reclaim_after_seconds": 0.3}
    async with running(told, redis, **shared):
        await told.until(lambda: told.events)
        async with running(told, redis, **shared):
            await add(client, "c2", 1)
            await add(client, "c3", 1)
            await told.until(lambda: len(told.events) == 3)
            await eventually(lambda: taken_care_of(client))
            go.set()

    assert len(told.events) == 3


async def taken_care_of(client):
    """Whether nothing has been idle for long, while longer than that has passed since it came."""
    (first, *_) = await client.xpending_range(STREAM, GROUP, "-", "+", 1)
    came = int(first["message_id"].split(b"-")[0])
    seconds, microseconds = await client.time()
    age = seconds * 1000 + microseconds // 1000 - came
    return age > 1500 and first["times_delivered"] == 1


async def test_one_whose_deliveries_are_used_up_is_not_tried_again(told, redis, client):
    """Such as one that kills its process each time."""
    await client.xgroup_create(STREAM, GROUP, "0", mkstream=True)
    await add(client, "c1", 1)
    await client.xreadgroup(GROUP, "dead", {STREAM: ">"})
    for _ in range(2):
        (entry, *_) = await client.xpending_range(STREAM, GROUP, "-", "+", 1)
        await client.xclaim(STREAM, GROUP, "dead", 0, [entry["message_id"]])
    async with running(told, redis, max_deliveries=3, dead_letter_stream="ws.dlq"):
        await eventually(lambda: empty(client))
        ((_, letter),) = await client.xrange("ws.dlq")

    assert told.events == []
    assert letter[b"reason"] == b"handler_failed"


async def test_stopping_finishes_what_is_under_way(told, redis, client):
    go = asyncio.Event()

    @told.registry.on(Event)
    async def waits(_event):
        await go.wait()

    for seq in range(1, 4):
        await add(client, "c1", seq)
    async with running(told, redis) as consumer:
        await told.until(lambda: told.events)
        consumer.stop()
        asyncio.get_running_loop().call_later(0.05, go.set)

    assert [each.delivery.seq for each in told.events] == [1, 2, 3]
    assert await pending(client) == 0


async def test_stopping_does_not_wait_for_ever(told, redis, client, caplog):
    @told.registry.on(Event)
    async def waits(_event):
        await asyncio.Event().wait()

    await add(client, "c1", 1)
    async with running(told, redis, stop_seconds=0.1):
        await told.until(lambda: told.events)

    assert "they come again" in caplog.text
    assert await pending(client) == 1


async def test_cancelling_leaves_everything_to_the_next(told, redis, client):
    cancelled = []

    @told.registry.on(Event)
    async def waits(_event):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    await add(client, "c1", 1)
    consumer = RedisStreamConsumer(told.registry, dsn=redis.dsn, start="0")
    task = asyncio.create_task(consumer.run())
    await told.until(lambda: told.events)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert cancelled == [True]
    assert await pending(client) == 1
    assert await client.keys() == [STREAM.encode()], "the lease was given back"
    with pytest.raises(RuntimeError, match="called before"):
        await consumer.run()


async def test_what_redis_refuses_ends_it_with_a_clear_error(told, redis, client):
    await client.set(STREAM, "a text")
    with pytest.raises(Refused, match=r"redis 127.0.0.1:\d+ refuses: WRONGTYPE"):
        await RedisStreamConsumer(told.registry, dsn=redis.dsn).run()

    await client.config_set("requirepass", "right")
    dsn = redis.dsn.replace("redis://", "redis://:hunter2@")
    with pytest.raises(Refused) as caught:
        await RedisStreamConsumer(told.registry, dsn=dsn).run()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dsn": "http://:hunter2@x"}, "dsn: must be redis://"),
        ({"dsn": ""}, "dsn: must be a text that is not empty"),
        ({"streams": "ws.events"}, "streams: must be a list"),
        ({"streams": ()}, "streams"),
        ({"streams": ["a", ""]}, r"streams\[1\]"),
        ({"group": ""}, "group"),
        ({"batch": 0}, "batch: must be a number of more than 0, found 0"),
        ({"concurrency": -1}, "concurrency"),
        ({"max_deliveries": 0}, "max_deliveries"),
        ({"reclaim_after_seconds": 0}, "reclaim_after_seconds"),
        ({"lease_seconds": "5"}, "lease_seconds"),
        ({"stop_seconds": True}, "stop_seconds"),
    ],
)
def test_options_that_cannot_be_used(told, options, said):
    with pytest.raises(ConfigurationError, match=said) as caught:
        RedisStreamConsumer(told.registry, **options)
    assert "hunter2" not in str(caught.value)
