"""A Redis that refuses: no rights, no memory, no time, no answer."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis
from tests.plugins.presence_redis.harness import LEASE, connection, crashed, node
from tests.support.survival import eventually

pytestmark = pytest.mark.anyio


async def test_without_rights_for_scripts_presence_is_kept_and_the_lack_is_shown(redis):
    async with Redis.from_url(redis.dsn) as client:
        await client.execute_command(
            *["ACL", "SETUSER", "app", "on", ">pw", "~presence:*", "+@all", "-eval", "-evalsha"]
        )
        dsn = redis.dsn.replace("redis://", "redis://app:pw@")
        async with node(dsn) as a:
            await eventually(a.ready)
            assert "no permission for EVAL" in a.presence.health().detail
            await a.presence.joined([connection(1)])
            await a.presence.refresh([connection(1)])
            assert [one.connection_id for one in (await a.presence.find()).connections] == ["c-1"]
            assert await client.keys("gatewright:*") == []
            await a.presence.left([connection(1)])
        assert await client.keys("*") == []


async def test_a_full_redis_makes_unready_claims_nobody_and_heals(redis):
    async with node(redis.dsn, "a") as a, node(redis.dsn, "b") as b:
        async with Redis.from_url(redis.dsn) as client:
            for one in (a, b):
                await eventually(one.ready)
            await a.presence.joined([connection(1)])
            await client.config_set("maxmemory", 1)

            async def red():
                return not await a.ready() and not await b.ready()

            await eventually(red, 20)
            assert "OutOfMemoryError" in a.presence.health().detail
            await asyncio.sleep(LEASE)  # both leases lapse
            await client.config_set("maxmemory", 0)
            for one in (a, b):
                await eventually(one.ready, 20)
            await a.presence.refresh([connection(1)])
            assert await client.hkeys("gatewright:presence:{a}:conns") == [b"c-1"]
        for one in (a, b):
            assert (one.membership.told, one.membership.evicted) == ([], [])


async def test_nobody_is_judged_by_leases_that_all_lapsed_at_once(redis):
    async with node(redis.dsn, "a") as a, node(redis.dsn, "b") as b:
        async with Redis.from_url(redis.dsn) as client:
            for one in (a, b):
                await eventually(one.ready)
            await asyncio.sleep(LEASE * 1.1)  # both may claim by now
            for _ in range(5):  # as when the server's clock jumps
                await client.delete(*[f"gatewright:presence:{{{one}}}:lease" for one in "ab"])
                await asyncio.gather(*(one.presence._watch.look() for one in (a, b)))
                await asyncio.sleep(LEASE / 4)
        for one in (a, b):
            assert (one.membership.told, one.membership.evicted) == ([], [])


async def test_nobody_claims_before_a_whole_lease_of_being_connected(redis):
    await crashed(redis.dsn, "dead", [connection(1)])
    async with Redis.from_url(redis.dsn) as client:
        await client.delete("gatewright:presence:{dead}:lease")
    began = asyncio.get_running_loop().time()
    async with node(redis.dsn, "s") as survivor:

        async def told():
            return survivor.membership.told

        await eventually(told, 30)
        assert asyncio.get_running_loop().time() - began >= LEASE


async def test_a_redis_that_is_away_at_first_is_named_and_found_when_it_comes(redis):
    await redis.kill()
    async with node(redis.dsn, "a") as a:

        async def named():
            return str(redis.port) in a.presence.health().detail

        await eventually(named, 10)
        assert not await a.ready()
        with pytest.raises(Exception, match="lease"):
            await a.presence.joined([connection(1)])
        await redis.restart()
        await eventually(a.ready, 10)
        await a.presence.joined([connection(1)])


async def test_a_redis_that_stands_still_does_not_hold_up_the_end(redis):
    async with node(redis.dsn, "a") as a:
        await eventually(a.ready)
        await a.stop()
        redis.freeze()
        began = asyncio.get_running_loop().time()
    took = asyncio.get_running_loop().time() - began
    redis.thaw()
    assert took < 5


async def test_last_seen_follows_the_clock_of_redis_not_of_this_machine(redis):
    class Wrong:
        def time(self):
            return 1_000_000.0

        def monotonic(self):
            return asyncio.get_running_loop().time()

    async with node(redis.dsn, "a", clock=Wrong()) as a, node(redis.dsn, "b") as b:
        await eventually(a.ready)
        await a.presence.joined([connection(1)])
        assert len((await b.presence.find()).connections) == 1
        assert len((await a.presence.find()).connections) == 1
