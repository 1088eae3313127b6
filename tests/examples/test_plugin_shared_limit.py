"""The example rate limit: one limit for a user over two nodes, in a real Redis, without waiting."""

from __future__ import annotations

import asyncio
import json

import pytest

from acme_shared_limit import gatewright_rate_limit
from gatewright import ConnectionInfo
from gatewright.testing.clock import FakeClock
from gatewright.testing.conformance import RateLimitCase, RateLimitConformance
from gatewright.testing.harness import two_gateways
from gatewright.testing.opening import Around, opened

FACTORY = gatewright_rate_limit()


class TestConformance(RateLimitConformance):
    @pytest.fixture
    async def case(self, redis):
        options = {"dsn": redis.dsn, "per_second": 5, "burst": 10}
        return RateLimitCase(factory=FACTORY, options=options)


def connection(user="7"):
    return ConnectionInfo(f"c-{user}", user, (f"user:{user}",), 0)


async def settled(*limits):
    """Wait until Redis knows all that was spent."""
    async with asyncio.timeout(10):
        while any(limit._wanting for limit in limits) or not all(
            limit.health().ready for limit in limits
        ):
            await asyncio.sleep(0.01)


@pytest.mark.anyio
async def test_what_one_node_admitted_is_gone_at_the_other(redis):
    options = {"dsn": redis.dsn, "per_second": 0.01, "burst": 10}
    clock = FakeClock()
    async with (
        opened("rate_limit", FACTORY, options, Around(clock=clock)) as one,
        opened("rate_limit", FACTORY, options, Around(clock=clock)) as other,
    ):
        one.start()
        other.start()
        here, there = one.backend.admission(connection()), other.backend.admission(connection())
        await settled(one.backend, other.backend)
        assert [here.admit() for _ in range(7)] == [True] * 7
        await settled(one.backend)
        assert there.admit()  # it does not know yet, and does not wait
        await settled(other.backend)
        assert [there.admit() for _ in range(4)] == [True, True, False, False]
        await settled(other.backend)
        someone = other.backend.admission(connection("8"))
        assert someone.admit()


@pytest.mark.anyio
async def test_connections_of_a_user_on_one_node_share(redis):
    options = {"dsn": redis.dsn, "per_second": 0.01, "burst": 3}
    async with opened("rate_limit", FACTORY, options, Around(clock=FakeClock())) as host:
        first, second = (host.backend.admission(connection()) for _ in range(2))
        assert [first.admit(), second.admit(), first.admit(), second.admit()] == [True] * 3 + [
            False
        ]


@pytest.mark.anyio
async def test_without_redis_each_node_holds_its_own_to_the_limit(redis):
    options = {"dsn": redis.dsn, "per_second": 0.01, "burst": 5}
    async with opened("rate_limit", FACTORY, options, Around(clock=FakeClock())) as host:
        host.start()
        bucket = host.backend.admission(connection())
        await settled(host.backend)
        await redis.kill()
        assert [bucket.admit() for _ in range(6)] == [True] * 5 + [False]
        async with asyncio.timeout(10):
            while host.backend.health().ready:
                await asyncio.sleep(0.01)
        await redis.restart()
        await settled(host.backend)
        assert host.backend.health().ready


@pytest.mark.anyio
async def test_clients_of_two_gateways_meet_one_limit(redis):
    limit = {"shared": {"dsn": redis.dsn, "per_second": 0.01, "burst": 4}}
    factories = {("rate_limit", "shared"): FACTORY}
    async with (
        two_gateways({"rate_limit": limit}, factories=factories) as (one, other),
        one.connect("7") as here,
        other.connect("7") as there,
    ):
        await one.until_ready()
        await other.until_ready()
        for _ in range(4):
            await here.send('{"n":1}')
        await one.events.wait_for("message_received", count=4)
        async with asyncio.timeout(10):
            while True:  # refused as soon as the other node has heard of it
                await there.send('{"n":2}')
                try:
                    answer = await asyncio.wait_for(there.recv(), 0.2)
                except TimeoutError:
                    continue
                assert json.loads(answer) == {"type": "rate_limited"}
                break
