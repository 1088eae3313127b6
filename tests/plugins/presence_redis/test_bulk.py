"""Many connections at once, and sets that change while they are paged through."""

from __future__ import annotations

import random

import pytest
from redis.asyncio import Redis
from tests.plugins.presence_redis.harness import connection, node
from tests.support.survival import eventually

pytestmark = pytest.mark.anyio


def many(first, count, *subjects):
    return [
        connection(number, f"u{number % 50}", *subjects) for number in range(first, first + count)
    ]


async def pages(presence, limit, between=None, **filters):
    found, cursor = [], None
    while True:
        page = await presence.find(cursor=cursor, limit=limit, **filters)
        found += [one.connection_id for one in page.connections]
        cursor = page.cursor
        if cursor is None:
            return found
        if between is not None:
            await between()


@pytest.mark.parametrize("filters", [{}, {"subject": "all"}])
async def test_a_batch_of_many_is_written_found_and_removed(redis, filters):
    everybody = many(0, 2500, "all")
    async with node(redis.dsn) as a, Redis.from_url(redis.dsn) as client:
        await a.presence.joined(everybody[:1000])
        await a.presence.joined(everybody[1000:])

        expected = sorted(one.connection_id for one in everybody)
        whole = await a.presence.find(**filters)
        assert sorted(one.connection_id for one in whole.connections) == expected
        assert sorted(await pages(a.presence, 333, **filters)) == expected

        await a.presence.left(everybody)
        assert await client.keys("presence:*") == []
        assert not await client.exists("gatewright:presence:{a}:conns")


async def test_connections_with_many_subjects_are_split_over_pipelines(redis):
    subjects = [f"room:{number}" for number in range(700)]
    everybody = [connection(number, "42", *subjects) for number in range(10)]
    async with node(redis.dsn) as a, Redis.from_url(redis.dsn) as client:
        await a.presence.joined(everybody)
        for subject in (subjects[0], subjects[-1]):
            assert await client.scard(f"presence:subject:{subject}") == len(everybody)

        await a.presence.joined([connection(number, "42") for number in range(10)])
        assert await client.keys("presence:subject:room:*") == []


@pytest.mark.parametrize("filters", [{}, {"subject": "all"}])
async def test_paging_skips_nobody_who_stays_while_many_come_and_go(redis, filters):
    staying, passing = many(0, 1500, "all"), many(10_000, 3000, "all")
    rng = random.Random(7)
    async with node(redis.dsn) as a:
        await a.presence.joined(staying)
        await a.presence.joined(passing)

        async def between():
            some = rng.sample(passing, 1500)
            await (a.presence.left(some) if rng.random() < 0.6 else a.presence.joined(some))

        found = await pages(a.presence, 400, between, **filters)
        assert {one.connection_id for one in staying} <= set(found)


async def test_what_a_killed_keeper_left_is_removed_at_the_end(redis):
    async with Redis.from_url(redis.dsn) as client:
        async with node(redis.dsn) as a:
            await eventually(a.ready)
            await a.presence.joined(many(0, 3000, "all"))
        assert await client.keys("*") == []
