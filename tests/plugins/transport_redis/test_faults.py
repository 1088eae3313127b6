"""A Redis that is away, slow, frozen, wiped, full or trimmed: rows 1 to 8 and TLS, numbered."""

import asyncio
import time

import anyio
import pytest
from tests.kits.redis.servers import one_node_cluster, sentinel_of, with_tls
from tests.plugins.transport_redis.harness import entry, opened, publishing, running, until
from tests.support.certificates import Certificates

from gatewright.testing.brokers.redis_server import RedisServer
from gatewright.testing.toxics import ToxicProxy

pytestmark = pytest.mark.anyio


async def test_row_1_redis_down_at_start(tmp_path):
    async with RedisServer.absent(tmp_path / "redis") as redis:
        async with running(redis.dsn, wait=False) as node:
            await until(lambda: "ConnectionError" in node.transport.health().detail)
            assert not node.transport.health().ready
            assert f"127.0.0.1:{redis.port}" in node.transport.health().detail
            await asyncio.sleep(1)
            await redis.boot()
            arrived = time.monotonic()
            async with publishing(redis) as backend:
                await backend.add(*range(100))
                await until(lambda: len(node.published) >= 100)
                assert time.monotonic() - arrived < 5
                assert await node.hears(100) == list(range(100))
                assert node.transport.health().ready
                assert node.logged.count("redis is away") == 1
                assert node.metric("outages_total") == 1
                assert node.metric("gaps_total") == 0


async def test_row_2_killed_in_the_middle_with_a_journal(redis):
    async with running(redis.dsn) as node, publishing(redis) as backend:

        async def publish():
            for number in range(1500):
                await backend.add_surely(number)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(publish)
            for at in (200, 800):
                await until(lambda: len(node.published) >= at)  # noqa: B023
                await redis.restart()
        await until(lambda: 1499 in node.numbers)

        # A backend that repeats an unanswered XADD adds it twice; the id is what tells.
        ids = list(dict.fromkeys(each.id for each in node.published))
        assert ids == [f"n{number}" for number in range(1500)]
        stored = await backend.client.xlen("ws.outbox")
        assert len(node.published) == stored <= 1502
        assert node.metric("gaps_total") == 0
        assert node.metric("outages_total") >= 1


async def test_row_3_frozen_for_12_seconds(redis, backend):
    async with running(redis.dsn) as node:
        await backend.add(*range(50))
        await node.hears(50)
        slowest, frozen_at = 0.0, time.monotonic()
        redis.freeze()
        try:
            while time.monotonic() - frozen_at < 12:
                before = time.monotonic()
                await asyncio.sleep(0.02)
                slowest = max(slowest, time.monotonic() - before - 0.02)
            assert not node.transport.health().ready
            assert "Timeout" in node.transport.health().detail
        finally:
            redis.thaw()
        await backend.add(*range(50, 100))

        assert await node.hears(100) == list(range(100))
        assert slowest < 1  # the loop is never held; the bound is a busy machine's
        assert node.metric("gaps_total") == 0


async def test_row_4_slow_network_shows_as_lag(redis, backend):
    async with ToxicProxy.to("127.0.0.1", redis.port) as proxy:
        dsn = f"redis://127.0.0.1:{proxy.port}"
        async with running(dsn, batch=10) as node:
            proxy.latency(0.3)
            await backend.add(*range(200))
            await until(lambda: node.metric("lag") > 0)
            assert node.transport.health().ready
            proxy.heal()

            assert await node.hears(200) == list(range(200))
            assert node.metric("gaps_total") == 0


async def test_row_4_connections_that_are_cut_and_stalled_cost_nothing(redis, backend):
    async with ToxicProxy.to("127.0.0.1", redis.port) as proxy:
        async with running(f"redis://127.0.0.1:{proxy.port}") as node:
            for number in range(300):
                await backend.add(number)
                if number % 30 == 0:
                    proxy.reset()
                    await asyncio.sleep(0.01)
            assert await node.hears(300) == list(range(300))
            assert node.metric("gaps_total") == 0


async def test_row_5_restarted_with_a_wiped_directory(redis, backend):
    async with running(redis.dsn) as node:
        await backend.add(*range(20))
        await node.hears(20)
        await redis.restart(wipe=True)
        await until(lambda: node.metric("gaps_total") == 1)
        await backend.add(*range(20, 40))

        assert await node.hears(40) == list(range(40))
        health = node.transport.health()
        assert health.ready
        assert "gaps: 1, the last: the stream is gone" in health.detail
        assert "entries are missing" in node.logged
        await asyncio.sleep(5)
        assert node.metric("gaps_total") == 1


async def test_row_5_failed_over_to_an_older_copy(redis, backend):
    async with running(redis.dsn) as node:
        for number in range(10):
            await backend.client.xadd("ws.outbox", {"data": entry(number)}, id=f"{number + 1}000-0")
        await node.hears(10)
        await node.stop()
        await backend.client.flushall()
        for number in range(8):
            await backend.client.xadd("ws.outbox", {"data": entry(number)}, id=f"{number + 1}000-0")
        node.start()
        await until(lambda: node.metric("gaps_total") == 1)
        await backend.add(10, 11)

        assert await node.hears(12) == list(range(12))
        assert "the stream went back from 10000-0 to 8000-0" in node.transport.health().detail


async def test_row_6_out_of_memory(redis, backend):
    async with running(redis.dsn) as node:
        await node.stop()
        await backend.add(*range(100))
        await backend.add_raw(b"broken")
        await backend.client.config_set("maxmemory", 1)
        node.start()

        assert await node.hears(100) == list(range(100))
        await until(lambda: node.letters.records)
        assert [letter.payload for letter in node.letters.records] == [b"broken"]
        assert node.transport.health().ready
        await backend.client.config_set("maxmemory", 0)
        await backend.add(100)
        assert await node.hears(101) == list(range(101))


async def test_row_7_trimmed_past_the_cursor(redis, backend):
    async with running(redis.dsn) as node:
        await backend.add(*range(10))
        await node.hears(10)
        await node.stop()
        await backend.add(*range(10, 100))
        await backend.client.xtrim("ws.outbox", maxlen=30, approximate=False)
        node.start()

        assert await node.hears(40) == [*range(10), *range(70, 100)]
        await until(lambda: node.metric("missed_total") == 60)
        assert node.metric("gaps_total") == 1
        assert "60 entries were removed before they were read" in node.transport.health().detail
        assert node.transport.health().facts["missed"] == 60


@pytest.mark.parametrize("how", ["flushall", "delete"])
async def test_row_8_emptied_under_load(redis, backend, how):
    async with running(redis.dsn) as node:
        await backend.add(*range(500))
        await node.hears(500)
        await (
            backend.client.flushall() if how == "flushall" else backend.client.delete("ws.outbox")
        )
        await backend.add(*range(500, 900))

        assert await node.hears(900) == list(range(900))
        await until(lambda: node.metric("gaps_total") == 1)
        await backend.add(900)
        assert await node.hears(901) == list(range(901))
        assert node.metric("entries_total") == 901


async def test_a_certificate_of_ones_own(tmp_path):
    certificates = Certificates.make(tmp_path)
    async with with_tls(tmp_path / "redis", certificates) as port:
        dsn = f"rediss://127.0.0.1:{port}?ssl_ca_certs={certificates.authority}"
        async with running(dsn) as node, opened(dsn) as other:
            await other.transport._commands.xadd("ws.outbox", {"data": entry(1)})
            assert await node.hears(1) == [1]


async def test_a_cluster_with_dead_letters(tmp_path):
    async with one_node_cluster(tmp_path / "redis") as server:
        dsn = f"redis+cluster://127.0.0.1:{server.port}"
        async with running(dsn) as one, running(dsn) as two, publishing(server) as backend:
            await backend.add_raw(b"broken")
            await backend.add(1)
            for node in (one, two):
                assert await node.hears(1) == [1]
                await until(lambda: node.metric("invalid_total", reason="parse_error") == 1)  # noqa: B023
                assert node.letters.records == []
            assert await backend.letters() == [("parse_error", b"broken")]


async def test_a_master_named_by_a_sentinel(redis, backend, tmp_path):
    async with sentinel_of(redis, tmp_path / "sentinel") as port:
        async with running(f"redis+sentinel://127.0.0.1:{port}/main") as node:
            await backend.add(1)
            assert await node.hears(1) == [1]
            await redis.restart()
            async with publishing(redis) as again:
                await again.add(2)
                assert await node.hears(2) == [1, 2]
