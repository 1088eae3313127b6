"""Nodes over one stream: each hears everything once, in order, whatever happens to Redis."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import structlog
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from redis.asyncio import Redis
from tests.support.survival import eventually

from gatewright import BusUnavailable, Command, PluginContext, Publication
from gatewright.testing.brokers.redis_server import RedisServer
from gatewright.testing.toxics import ToxicProxy
from gatewright_bus_redis import RedisBusSettings, gatewright_bus

pytestmark = pytest.mark.anyio


class Node:
    """A node's bus, kept running as the gateway does, and what it was given."""

    def __init__(self, bus, matching):
        self.bus = bus
        self.matching = matching
        self.given = []

    def deliver(self, message):
        self.given.append(message)
        return self.matching

    @property
    def payloads(self):
        return [int(one.payload) for one in self.given if isinstance(one, Publication)]

    async def keep_running(self):
        while True:
            try:
                await self.bus.run(self.deliver)
            except Exception:  # noqa: BLE001 - started again, whatever it was
                await asyncio.sleep(0.05)

    async def ready(self):
        return self.bus.health().ready

    async def publish(self, number, *, count=False):
        return await self.bus.publish(Publication(("s",), str(number).encode()), count=count)

    async def until(self, count):
        async def there():
            return len(self.payloads) >= count

        await eventually(there, 30)


@asynccontextmanager
async def node(dsn, name, matching=1, **options):
    factory = gatewright_bus()
    settings = RedisBusSettings(dsn=SecretStr(dsn), **options)
    context = PluginContext(
        name="redis",
        log=structlog.get_logger(),
        metrics=CollectorRegistry(),
        node_id=name,
        spawn=lambda *_: None,
    )
    async with factory.open(settings, context) as bus:
        made = Node(bus, matching)
        running = asyncio.create_task(made.keep_running())
        try:
            await eventually(made.ready, 20)
            yield made
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def nodes(dsn, *matching, **options):
    async with AsyncExitStack() as stack:
        made = [
            await stack.enter_async_context(node(dsn, f"n{number}", each, **options))
            for number, each in enumerate(matching)
        ]

        async def all_known():
            return all(each.bus.health().facts["nodes"] == len(made) for each in made)

        await eventually(all_known, 20)
        yield made


async def test_every_node_hears_everything_once_and_in_the_order_of_each(redis):
    async with nodes(redis.dsn, 1, 1, 1) as made:

        async def publish(index):
            for number in range(200):
                await made[index].publish(index * 1000 + number)

        await asyncio.gather(*(publish(index) for index in range(3)))
        for each in made:
            await each.until(600)
            for index in range(3):
                mine = [one for one in each.payloads if one // 1000 == index]
                assert mine == list(range(index * 1000, index * 1000 + 200))


async def test_the_count_adds_up_all_nodes(redis):
    async with nodes(redis.dsn, 2, 3) as (first, _):
        receipt = await first.publish(1, count=True)
        assert (receipt.sent, receipt.exact) == (5, True)


async def test_a_node_that_is_silent_makes_the_count_partial(redis):
    async with nodes(redis.dsn, 2, 3) as (first, second):
        second.bus._core._answer = lambda: None  # its answers are lost
        receipt = await first.publish(1, count=True)
        assert (receipt.sent, receipt.exact) == (2, False)


async def test_commands_reach_every_node(redis):
    async with nodes(redis.dsn, 1, 0) as made:
        receipt = await made[0].bus.publish(Command("disconnect", user_id="42"), count=True)
        assert receipt.sent == 1
        assert made[1].given == [Command("disconnect", user_id="42")]


async def test_nothing_accepted_is_lost_when_redis_is_killed_and_comes_back(redis):
    async with nodes(redis.dsn, 1, 1) as (first, second):
        accepted = []

        async def publish():
            for number in range(400):
                while True:
                    try:
                        await first.publish(number)
                    except BusUnavailable:
                        await asyncio.sleep(0.05)
                    else:
                        break
                accepted.append(number)

        publishing = asyncio.create_task(publish())
        await second.until(50)
        await redis.restart()
        await publishing
        await second.until(400)
        assert [one for one in first.payloads if first.payloads.count(one) > 1] == []
        assert second.payloads == sorted(set(second.payloads))
        assert second.payloads == accepted
        assert second.bus.health().facts.get("gaps", 0) == 0


async def test_a_frozen_redis_only_delays_and_nothing_comes_twice(redis):
    async with nodes(redis.dsn, 1, 1, publish_seconds=3.0) as (first, second):
        await first.publish(0)
        redis.freeze()
        stuck = [asyncio.create_task(first.publish(number)) for number in range(1, 50)]
        await eventually(lambda: gave_up(first), 30)
        redis.thaw()
        await asyncio.gather(*stuck)
        await first.publish(50)
        await first.until(51)
        await second.until(51)
        assert first.payloads == second.payloads == list(range(51))


async def gave_up(node):
    """Whether an attempt timed out, so that the same will be sent again."""
    return bool(node.bus._core._outbox.failure)


async def test_a_redis_that_stays_frozen_is_red_and_refuses_in_time(redis):
    async with node(redis.dsn, "n", publish_seconds=1.0) as only:
        redis.freeze()
        began = asyncio.get_running_loop().time()
        with pytest.raises(BusUnavailable):
            await only.publish(1)
        assert asyncio.get_running_loop().time() - began < 10

        async def red():
            return not await only.ready()

        await eventually(red, 15)
        redis.thaw()
        await eventually(only.ready, 20)
        await only.publish(2)
        await only.until(1)
        assert only.payloads[-1] == 2
        assert only.payloads.count(2) == 1


async def test_a_full_redis_refuses_by_name_and_goes_on_once_there_is_room(redis):
    async with (
        node(redis.dsn, "n", publish_seconds=0.5) as only,
        Redis.from_url(redis.dsn) as client,
    ):
        await client.config_set("maxmemory", 1)
        with pytest.raises(BusUnavailable, match="OutOfMemoryError"):
            await only.publish(1)
        await client.config_set("maxmemory", 0)
        await only.publish(2)
        await only.until(1)
        assert only.payloads == [2]


async def test_what_was_trimmed_unread_is_a_gap_and_later_messages_come(redis):
    async with (
        ToxicProxy.to("127.0.0.1", redis.port) as proxy,
        node(redis.dsn, "writes") as writes,
        node(f"redis://127.0.0.1:{proxy.port}", "reads") as reads,
        Redis.from_url(redis.dsn) as client,
    ):
        proxy.cut()
        for number in range(5):
            await writes.publish(number)
        await client.xtrim("gatewright.bus", maxlen=0, approximate=False)
        proxy.heal()

        async def told():
            return reads.bus.health().facts.get("gaps", 0) >= 1

        await eventually(told, 20)
        await writes.publish(5)
        await reads.until(1)
        assert reads.payloads == [5]
        assert "messages were lost" in reads.bus.health().detail
        assert writes.payloads == [0, 1, 2, 3, 4, 5]


async def test_a_node_that_starts_hears_only_what_comes_then(redis):
    async with node(redis.dsn, "first") as first:
        await first.publish(1)
        async with node(redis.dsn, "second") as second:
            await first.publish(2)
            await second.until(1)
            assert second.payloads == [2]


async def test_redis_may_come_later_than_the_nodes(tmp_path):
    async with RedisServer.absent(tmp_path / "redis") as server:
        opening = AsyncExitStack()
        entering = asyncio.create_task(opening.enter_async_context(node(server.dsn, "n")))
        await asyncio.sleep(0.2)
        await server.boot()
        only = await entering
        await only.publish(1)
        await only.until(1)
        await opening.aclose()


async def test_no_password_is_shown(redis):
    async with Redis.from_url(redis.dsn) as client:
        await client.config_set("requirepass", "s3cret")
    dsn = redis.dsn.replace("//", "//:s3cret@")
    async with node(dsn, "n", publish_seconds=0.3) as only:
        await redis.kill()
        with pytest.raises(BusUnavailable) as caught:
            await only.publish(1)
        assert "s3cret" not in f"{caught.value}{only.bus.health()}"


async def test_a_wiped_redis_is_a_gap_that_is_told_and_the_bus_goes_on(redis):
    async with nodes(redis.dsn, 1) as (only,):
        await only.publish(1)
        await only.until(1)
        await redis.restart(wipe=True)

        async def told():
            return only.bus.health().facts.get("gaps", 0) >= 1

        await eventually(told, 20)
        await eventually(only.ready, 20)
        await only.publish(2)
        await only.until(2)
        assert only.payloads == [1, 2]


async def test_a_cut_is_red_refuses_and_heals(redis):
    async with (
        ToxicProxy.to("127.0.0.1", redis.port) as proxy,
        node(f"redis://127.0.0.1:{proxy.port}", "n", publish_seconds=1.0) as only,
    ):
        proxy.cut()

        async def red():
            return not await only.ready()

        await eventually(red, 15)
        with pytest.raises(BusUnavailable):
            await only.publish(1)
        proxy.heal()
        await eventually(only.ready, 20)
        await only.publish(2)
        await only.until(1)
        assert 2 in only.payloads


async def test_a_second_process_with_the_same_node_id_is_noticed_by_name(redis):
    async with node(redis.dsn, "same") as first, node(redis.dsn, "other"):
        double = AsyncExitStack()
        opening = asyncio.create_task(double.enter_async_context(node(redis.dsn, "same")))

        async def told():
            health = first.bus.health()
            return not health.ready and "'same'" in health.detail

        await eventually(told, 20)
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)


async def test_what_others_write_into_the_stream_is_ignored(redis):
    async with node(redis.dsn, "n") as only, Redis.from_url(redis.dsn) as client:
        await client.xadd("gatewright.bus", {"who": "knows"})
        await client.xadd("gatewright.bus", {"m": b"\xff\x00"})
        await only.publish(1)
        await only.until(1)
        assert only.payloads == [1]


async def test_the_stream_is_capped(redis):
    async with node(redis.dsn, "n", max_length=1000, publish_seconds=30) as only:
        for start in range(0, 3000, 300):
            await asyncio.gather(*(only.publish(start + number) for number in range(300)))
        await only.until(3000)
        async with Redis.from_url(redis.dsn) as client:
            assert await client.xlen("gatewright.bus") < 2000
