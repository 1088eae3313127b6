"""Nodes that are gone, doubled, claimed, and a Redis that was away."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

import pytest
from redis.asyncio import Redis
from tests.plugins.presence_redis.harness import LEASE, connection, crashed, node
from tests.support.survival import eventually

pytestmark = pytest.mark.anyio


async def test_survivors_claim_each_dead_node_once_and_tell_every_connection(redis):
    async with AsyncExitStack() as stack:
        survivors = [
            await stack.enter_async_context(node(redis.dsn, f"s{number}")) for number in range(3)
        ]
        expected = []
        for number in range(12):
            mine = [connection(f"{number}-{each}", f"u{number}") for each in range(5)]
            expected += [one.connection_id for one in mine]
            await crashed(redis.dsn, f"dead-{number}", mine)

        async def all_told():
            return sum(len(one.membership.told) for one in survivors) >= len(expected)

        await eventually(all_told, 30)
        told = Counter(each for one in survivors for each in one.membership.told)
        assert told == Counter(expected)

        async def nothing_left():
            async with Redis.from_url(redis.dsn) as client:
                return not await client.keys("presence:*") and not [
                    key for key in await client.keys("gatewright:*dead*") if b"claimed" not in key
                ]

        await eventually(nothing_left, 20)


async def test_a_record_stays_until_its_event_is_settled(redis):
    async with node(redis.dsn, "s") as survivor:
        survivor.membership.fails = 2
        await crashed(redis.dsn, "dead", [connection(1)])

        async def told():
            return survivor.membership.told == ["c-1"]

        await eventually(told, 30)
        assert survivor.membership.fails == 0


async def test_a_claim_whose_claimer_died_is_claimed_again(redis):
    async with node(redis.dsn, "s1") as dying:
        dying.membership.fails = 10**6  # it never gets its events settled
        await crashed(redis.dsn, "dead", [connection(1)])

        async def has_claimed():
            return dying.presence.health().facts["open_claims"] > 0

        await eventually(has_claimed, 30)
        async with node(redis.dsn, "s2") as survivor:
            await dying.stop()

            async def told():
                return survivor.membership.told == ["c-1"]

            await eventually(told, 40)


async def test_a_restarted_node_cleans_up_after_itself(redis):
    await crashed(redis.dsn, "a", [connection(1)])
    async with node(redis.dsn, "a") as again:
        assert "node id a" in await unready(again)

        async def told():
            return again.membership.told == ["c-1"] and await again.ready()

        await eventually(told, 30)
        assert again.membership.evicted == []


async def unready(one):
    async def is_told():
        return "node id" in one.presence.health().detail

    await eventually(is_told, 10)
    return one.presence.health().detail


async def test_a_second_process_with_the_same_node_id_is_not_ready_and_keeps_no_records(redis):
    async with node(redis.dsn, "same") as first:
        await eventually(first.ready)
        async with node(redis.dsn, "same") as second:
            assert "node id same is in use" in await unready(second)
            await second.presence.joined([connection(2)])
            async with Redis.from_url(redis.dsn) as client:
                assert not await client.exists("gatewright:presence:{same}:conns")
        assert await first.ready()
        async with Redis.from_url(redis.dsn) as client:
            assert await client.exists("gatewright:presence:{same}:lease")


async def test_a_node_that_was_claimed_closes_its_sockets_before_it_serves_again(redis):
    async with node(redis.dsn, "slow") as slow, node(redis.dsn, "s") as survivor:
        await eventually(slow.ready)
        await slow.presence.joined([connection(1)])
        await slow.stop()

        async def told():
            return survivor.membership.told == ["c-1"]

        await eventually(told, 30)
        slow.start()

        async def back():
            return slow.membership.evicted and await slow.ready()

        await eventually(back, 20)
        assert len(slow.membership.evicted) == 1


async def test_an_outage_of_redis_is_no_mass_death(redis):
    async with node(redis.dsn, "a") as a, node(redis.dsn, "b") as b:
        for number, one in enumerate((a, b)):
            await eventually(one.ready)
            await one.presence.joined([connection(number)])
        await redis.kill()
        await asyncio.sleep(LEASE + 0.5)  # the leases lapse while nobody can renew them
        await redis.restart()
        for one in (a, b):
            await eventually(one.ready, 20)
        await asyncio.sleep(2 * LEASE)  # long enough for a wrong claim
        for one in (a, b):
            assert (one.membership.told, one.membership.evicted) == ([], [])


async def test_a_wiped_redis_is_no_claim_and_records_return_with_a_refresh(redis):
    async with node(redis.dsn, "a") as a:
        await eventually(a.ready)
        await a.presence.joined([connection(1)])
        await redis.restart(wipe=True)
        async with Redis.from_url(redis.dsn) as client:

            async def lease_is_back():
                return await client.exists("gatewright:presence:{a}:lease")

            await eventually(lease_is_back, 20)
            await a.presence.refresh([connection(1)])
            assert await client.hkeys("gatewright:presence:{a}:conns") == [b"c-1"]
        assert a.membership.evicted == []


async def test_other_nodes_are_counted(redis):
    async with node(redis.dsn, "a") as a, node(redis.dsn, "b"), node(redis.dsn, "c"):

        async def sees_two():
            return a.presence.other_nodes() == 2

        await eventually(sees_two, 20)


async def test_health_names_the_redis_without_its_password(redis):
    dsn = redis.dsn.replace("redis://", "redis://someone:topsecret@")
    async with node(dsn, "a") as a:

        async def red():
            return a.presence.health().detail not in {"", "not connected yet"}

        await eventually(red, 10)
        health = a.presence.health()
        assert not health.ready
        assert "topsecret" not in str(health)
