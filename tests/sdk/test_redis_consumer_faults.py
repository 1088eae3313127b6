"""Consumers of a Redis stream that are killed, and a Redis that is: nothing is lost or skipped."""

import asyncio

import pytest
from redis.asyncio import Redis
from tests.support.consuming import Handled, body_of, consumer_process, first_times
from tests.support.survival import eventually

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(90)]

CONNECTIONS = [f"c{number}" for number in range(8)]
EACH = 40


@pytest.fixture
async def client(redis):
    async with Redis.from_url(redis.dsn) as client:
        yield client


@pytest.fixture
def handled(tmp_path):
    return Handled(tmp_path / "handled")


async def fill(client, first=1, last=EACH):
    await client.connection_pool.disconnect()  # those from before a restart
    async with client.pipeline(transaction=False) as pipe:
        for seq in range(first, last + 1):
            for name in CONNECTIONS:
                pipe.xadd("ws.events", {"data": body_of(name), "seq": seq})
        await pipe.execute()


def consumers(redis, handled, **options):
    options = {"dsn": redis.dsn, "start": "0", "batch": 50, "lease_seconds": 0.5} | options
    return consumer_process("redis", handled, **options)


async def two_read(client):
    return [each["cmd"] for each in await client.client_list()].count("xreadgroup") == 2


async def nothing_pending(client):
    return (await client.xpending("ws.events", "backend"))["pending"] == 0


def in_order(lines):
    return all(numbers == list(range(1, EACH + 1)) for numbers in first_times(lines).values())


async def test_one_that_is_killed_again_and_again_loses_nothing_and_keeps_the_order(
    redis, client, handled
):
    await fill(client)
    for kill_after in (40, 130, 220):
        async with consumers(redis, handled) as process:
            await handled.until(lambda lines, most=kill_after: len(lines) >= most)
            process.kill()
    async with consumers(redis, handled):
        lines = await handled.until_all(CONNECTIONS, EACH)
        await eventually(lambda: nothing_pending(client))

    assert len({pid for pid, *_ in lines}) == 4
    assert in_order(lines)
    assert len(lines) < len(CONNECTIONS) * EACH + 3 * 16 + 1, "at most what was under way is twice"


async def test_those_that_stand_by_take_over_and_keep_the_order(redis, client, handled):
    await fill(client, last=EACH // 2)
    async with (
        consumers(redis, handled) as one,
        consumers(redis, handled) as two,
        consumers(redis, handled) as three,
    ):
        lines = await handled.until(lambda lines: len(lines) >= 50)
        assert len({pid for pid, *_ in lines}) == 1, "one at a time"
        worker = next(each for each in (one, two, three) if each.pid == lines[0][0])
        worker.kill()
        await fill(client, first=EACH // 2 + 1)
        lines = await handled.until_all(CONNECTIONS, EACH)
        await eventually(lambda: nothing_pending(client))

    assert len({pid for pid, *_ in lines}) == 2
    assert in_order(lines)


async def test_those_that_share_lose_nothing_when_one_is_killed(redis, client, handled):
    shared = {"ordered": False, "reclaim_after_seconds": 0.5, "batch": 20}
    async with (
        consumers(redis, handled, **shared) as one,
        consumers(redis, handled, **shared) as two,
    ):
        await eventually(lambda: two_read(client))
        await fill(client)
        await handled.until(lambda lines: {pid for pid, *_ in lines} == {one.pid, two.pid})
        one.kill()
        await handled.until_all(CONNECTIONS, EACH)
        await eventually(lambda: nothing_pending(client))


async def test_one_that_was_frozen_does_not_work_beside_its_successor(redis, client, handled):
    await fill(client)
    async with consumers(redis, handled) as one, consumers(redis, handled) as two:
        lines = await handled.until(lambda lines: len(lines) >= 50)
        frozen, other = (one, two) if lines[0][0] == one.pid else (two, one)
        frozen.send_signal(19)
        await handled.until(lambda lines: other.pid in {pid for pid, *_ in lines})
        frozen.send_signal(18)
        lines = await handled.until_all(CONNECTIONS, EACH)
        await eventually(lambda: nothing_pending(client))

    assert in_order(lines)


async def test_a_redis_that_is_killed_is_waited_for(redis, client, handled):
    await fill(client, last=EACH // 2)
    async with consumers(redis, handled):
        for kill_after in (20, 90):
            await handled.until(lambda lines, most=kill_after: len(lines) >= most)
            await redis.restart()
        await fill(client, first=EACH // 2 + 1)
        lines = await handled.until_all(CONNECTIONS, EACH)
        await eventually(lambda: nothing_pending(client))

    assert in_order(lines)


async def test_a_redis_that_comes_later_is_waited_for(redis, client, handled):
    await redis.kill()
    async with consumers(redis, handled):
        await asyncio.sleep(0)
        await redis.boot()
        await fill(client)
        lines = await handled.until_all(CONNECTIONS, EACH)

    assert in_order(lines)
