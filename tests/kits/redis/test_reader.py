"""The reader's start and its place in the stream, against real servers."""

import asyncio
from contextlib import asynccontextmanager

import anyio
import pytest
from pydantic import SecretStr

from gatewright import SystemClock
from gatewright.testing.brokers.redis_server import RedisServer
from gatewright_redis_kit import UNAVAILABLE, Connection, StreamReader

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def reading(redis, **options):
    where = Connection.parse(SecretStr(redis.dsn))
    options = {"block_seconds": 0.1, "clock": SystemClock()} | options
    reader, client = StreamReader(where, "s", **options), where.commands()
    try:
        yield reader, client
    finally:
        await client.aclose()
        await reader.close()


async def add(client, *numbers):
    for each in numbers:
        await client.xadd("s", {"n": str(each)})


async def read(reader, until):
    """Read until ``until`` numbers came."""
    got = []
    with anyio.fail_after(20):
        while len(got) < until:
            got += [int(fields[1]) for _, fields in await reader.read()]
    return got


async def settle(reader):
    """Read nothing twice, with a look at the stream between."""
    assert await reader.read() == []
    assert await reader.read() == []


async def test_it_starts_after_the_newest_entry(redis):
    async with reading(redis) as (reader, client):
        await add(client, 1, 2)
        await reader.resolve()
        await add(client, 3)
        await reader.resolve()

        assert await read(reader, 1) == [3]
        await settle(reader)
        assert reader.gaps == 0


async def test_it_reads_from_the_beginning_of_a_stream_that_was_not_there(redis):
    async with reading(redis) as (reader, client):
        await reader.resolve()
        assert reader.cursor == "0-0"
        await add(client, 1)

        assert await read(reader, 1) == [1]
        assert reader.gaps == 0


async def test_it_starts_at_its_own_start_where_redis_was_away(tmp_path):
    async with RedisServer.absent(tmp_path / "redis", append_only=True) as redis:
        await redis.boot()
        async with reading(redis) as (_, client):
            await add(client, 1, 2)
        await redis.kill()
        await asyncio.sleep(0.01)  # ids are in milliseconds
        async with reading(redis) as (reader, _):
            await reader.resolve()
            with pytest.raises(UNAVAILABLE):
                await reader.read()
            await redis.boot()
            async with reading(redis) as (_, client):
                await add(client, 3, 4)
                assert await read(reader, 2) == [3, 4]
            await settle(reader)
            assert reader.gaps == 0


async def test_a_start_may_be_given(redis):
    async with reading(redis, start="0-0") as (reader, client):
        await add(client, 1, 2)

        assert await read(reader, 2) == [1, 2]
        await settle(reader)
        assert reader.gaps == 0


async def test_a_read_that_is_cancelled_loses_nothing(redis):
    async with reading(redis, block_seconds=5) as (reader, client):
        await reader.resolve()
        for each in range(20):
            with anyio.move_on_after(0.01):
                while True:
                    assert await reader.read() == []
            await add(client, each)
            assert await read(reader, 1) == [each]
        assert reader.gaps == 0


async def test_a_cancellation_is_heard_whenever_it_comes(redis):
    """Also one that comes together with the end of a send, which asyncio's wait_for swallows."""
    async with reading(redis) as (reader, _):

        async def read_on():
            while True:
                await reader.read()

        for each in range(100):
            task = asyncio.create_task(read_on())
            await asyncio.sleep(each % 20 * 0.0005)
            task.cancel()
            _, deaf = await asyncio.wait([task], timeout=20)
            assert not deaf


async def test_no_gap_is_seen_while_others_add_without_a_pause(redis):
    async with reading(redis, count=7) as (reader, client):
        await reader.resolve()

        async def publish():
            for each in range(3000):
                await client.xadd("s", {"n": str(each)}, maxlen=2000, approximate=False)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(publish)
            got = []
            with anyio.fail_after(50):
                while len(got) < 3000:
                    reader._look_at = 0.0  # look at every read
                    got += [int(fields[1]) for _, fields in await reader.read()]
        assert got == list(range(3000))
        await settle(reader)
        assert (reader.gaps, reader.missed, reader.lag) == (0, 0, 0)


async def test_entries_trimmed_in_a_pause_are_counted(redis):
    async with reading(redis) as (reader, client):
        await reader.resolve()
        await add(client, *range(10))
        await client.xtrim("s", maxlen=4, approximate=False)

        assert await read(reader, 4) == [6, 7, 8, 9]
        await settle(reader)
        assert (reader.gaps, reader.missed) == (1, 6)
        assert "6 entries were removed" in reader.last_gap


async def test_a_stream_trimmed_to_nothing_is_counted(redis):
    async with reading(redis) as (reader, client):
        await reader.resolve()
        await add(client, *range(5))
        await client.xtrim("s", maxlen=0, approximate=False)
        await settle(reader)
        await add(client, 5)

        assert await read(reader, 1) == [5]
        await settle(reader)
        assert (reader.gaps, reader.missed) == (1, 5)


async def test_a_deleted_stream_is_read_from_its_new_beginning(redis):
    async with reading(redis) as (reader, client):
        await reader.resolve()
        await add(client, 1)
        assert await read(reader, 1) == [1]
        await client.flushall()
        await settle(reader)
        assert reader.cursor == "0-0"
        await client.xadd("s", {"n": "2"}, id="5-0")

        assert await read(reader, 1) == [2]
        await settle(reader)
        assert reader.gaps == 1


async def test_an_older_copy_is_read_from_its_own_end(redis):
    async with reading(redis) as (reader, client):
        await reader.resolve()
        await client.xadd("s", {"n": "1"}, id="1000-0")
        await client.xadd("s", {"n": "2"}, id="2000-0")
        assert await read(reader, 2) == [1, 2]
        await client.flushall()
        await client.xadd("s", {"n": "1"}, id="1000-0")
        await settle(reader)
        assert reader.cursor == "1000-0"
        await client.xadd("s", {"n": "3"}, id="1500-0")

        assert await read(reader, 1) == [3]
        await settle(reader)
        assert reader.gaps == 1


async def test_numbers_survive_a_kill(redis):
    async with reading(redis) as (reader, client):
        await reader.resolve()
        await add(client, 1, 2)
        assert await read(reader, 2) == [1, 2]
        await redis.restart()
        await add(client, 3)
        with anyio.fail_after(20):
            while True:
                try:
                    got = await read(reader, 1)
                    break
                except UNAVAILABLE:
                    await asyncio.sleep(0.02)
        assert got == [3]
        await settle(reader)
        assert reader.gaps == 0


async def test_a_key_of_another_type_is_an_error_that_says_so(redis):
    async with reading(redis) as (reader, client):
        await client.set("s", "x")
        await reader.resolve()

        with pytest.raises(UNAVAILABLE, match="WRONGTYPE"):
            await reader.read()
