"""Answers for all nodes, whole and in pages."""

from __future__ import annotations

import time

import pytest
from redis.asyncio import Redis
from tests.plugins.presence_redis.harness import connection, node

pytestmark = pytest.mark.anyio


def ids(page):
    return sorted(one.connection_id for one in page.connections)


async def test_one_node_finds_the_connections_of_another(redis):
    async with node(redis.dsn, "a") as a, node(redis.dsn, "b") as b:
        await a.presence.joined([connection(1, "42", "room:7"), connection(2, "43", "room:7")])
        find = b.presence.find
        assert ids(await find()) == ["c-1", "c-2"]
        assert ids(await find(user_id="42")) == ["c-1"]
        assert ids(await find(subject="room:7")) == ["c-1", "c-2"]
        assert ids(await find(subject="room:7", user_id="43")) == ["c-2"]
        assert ids(await find(subject="nobody")) == []
        (found,) = (await find(user_id="42")).connections
        assert found == connection(1, "42", "room:7")


@pytest.mark.parametrize("filters", [{}, {"subject": "room:7"}, {"user_id": "42"}])
@pytest.mark.parametrize("limit", [1, 7, 100, 1000])
async def test_pages_together_are_the_whole_without_repeats(redis, filters, limit):
    everybody = [connection(number, "42", "room:7") for number in range(150)]
    async with node(redis.dsn) as a:
        await a.presence.joined(everybody)
        found, cursor = [], None
        while True:
            page = await a.presence.find(cursor=cursor, limit=limit, **filters)
            assert len(page.connections) <= limit
            found += [one.connection_id for one in page.connections]
            cursor = page.cursor
            if cursor is None:
                break
        assert sorted(found) == sorted(one.connection_id for one in everybody)


@pytest.mark.parametrize("cursor", ["", "x", "1", "-1:", "1:" + "x" * 600, "é:"])
async def test_a_cursor_of_somebody_else_is_an_error(redis, cursor):
    async with node(redis.dsn) as a:
        with pytest.raises(ValueError, match="not one that this store gave"):
            await a.presence.find(cursor=cursor)


async def test_what_was_not_seen_lately_or_lacks_its_hash_is_hidden(redis):
    async with node(redis.dsn) as a, Redis.from_url(redis.dsn) as client:
        await a.presence.joined([connection(1)])
        await client.sadd("presence:user:42", "no-hash", "old", "odd")
        base = {"user_id": "42", "subjects": "[", "connected_at": "x"}
        old = {"connection_id": "old", "last_seen_at": int(time.time()) - 50}
        odd = {"connection_id": "odd", "last_seen_at": int(time.time())}
        await client.hset("presence:conn:old", mapping=base | old)
        await client.hset("presence:conn:odd", mapping=base | odd)
        page = await a.presence.find(user_id="42")
        assert ids(page) == ["c-1", "odd"]
        (strange,) = [one for one in page.connections if one.connection_id == "odd"]
        assert (strange.subjects, strange.connected_at) == ((), 0)
