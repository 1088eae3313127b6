"""A cluster: keys of one script share a slot, pipelines spread, everybody is found."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis
from tests.plugins.presence_redis.harness import connection, crashed, node
from tests.support.survival import eventually

from gatewright.testing.brokers.redis_server import RedisServer

pytestmark = pytest.mark.anyio


@pytest.fixture
async def cluster(tmp_path):
    """One server that holds all slots: it refuses what a larger cluster would refuse."""
    options = ("--cluster-enabled", "yes")
    async with RedisServer.start(tmp_path / "cluster", options=options) as server:
        async with Redis.from_url(server.dsn) as client:
            await client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)

            async def is_up():
                return (await client.execute_command("CLUSTER INFO"))["cluster_state"] == "ok"

            await eventually(is_up, 20)
            yield server, client


async def test_presence_is_kept_paged_and_removed(cluster):
    server, client = cluster
    everybody = [connection(number, f"u{number}", "room:7") for number in range(300)]
    async with node(server.dsn.replace("redis://", "redis+cluster://")) as a:
        await a.presence.joined(everybody)
        await a.presence.joined([connection(0, "u0")])
        assert await client.scard("presence:subject:room:7") == 299
        for filters, count in (({}, 300), ({"subject": "room:7"}, 299), ({"user_id": "u7"}, 1)):
            found, cursor = [], None
            while True:
                page = await a.presence.find(cursor=cursor, limit=70, **filters)
                found += [one.connection_id for one in page.connections]
                cursor = page.cursor
                if cursor is None:
                    break
            assert len(found) == len(set(found)) == count
        await a.presence.left(everybody)
        assert await client.keys("presence:*") == []
    assert await client.keys("*") == []


async def test_a_dead_node_is_cleaned_up_after(cluster):
    server, client = cluster
    dsn = server.dsn.replace("redis://", "redis+cluster://")
    async with node(dsn, "s") as survivor:
        await crashed(dsn, "dead", [connection(1)])

        async def told():
            return survivor.membership.told == ["c-1"]

        await eventually(told, 30)

        async def nothing_left():
            return (
                await client.keys("presence:*") == []
                and await client.keys("gatewright:*:claim:*") == []
            )

        await eventually(nothing_left, 10)
