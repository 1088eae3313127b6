"""The servers that tests run against really die, freeze and forget."""

from __future__ import annotations

import asyncio

import aio_pika
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gatewright.testing.brokers.process import BrokerFailed
from gatewright.testing.brokers.redis_server import RedisServer

pytestmark = pytest.mark.anyio


async def test_redis_keeps_what_was_written_when_it_is_killed(redis):
    async with Redis.from_url(redis.dsn) as client:
        await client.set("kept", "1")
    await redis.restart()
    async with Redis.from_url(redis.dsn) as client:
        assert await client.get("kept") == b"1"


async def test_a_wiped_redis_is_empty(redis):
    async with Redis.from_url(redis.dsn) as client:
        await client.set("kept", "1")
    await redis.restart(wipe=True)
    async with Redis.from_url(redis.dsn) as client:
        assert await client.get("kept") is None


async def test_a_frozen_redis_does_not_answer_until_it_is_thawed(redis):
    async with Redis.from_url(redis.dsn, socket_timeout=None) as client:
        await client.ping()
        redis.freeze()
        answer = asyncio.create_task(client.ping())
        done, _ = await asyncio.wait({answer}, timeout=0.3)
        assert not done
        redis.thaw()
        assert await answer


async def test_a_killed_redis_refuses(redis):
    await redis.kill()
    async with Redis.from_url(redis.dsn) as client:
        with pytest.raises((OSError, RedisError)):
            await client.ping()


async def test_a_server_that_cannot_start_says_why(tmp_path):
    with pytest.raises(BrokerFailed, match="nonsense"):
        async with RedisServer.start(tmp_path / "redis", options=("--nonsense", "1")):
            pass


async def test_virtual_hosts_do_not_see_each_other(rabbitmq, rabbitmq_server):
    async with rabbitmq_server.vhost() as other:
        first = await aio_pika.connect(rabbitmq.dsn)
        second = await aio_pika.connect(other.dsn)
        async with first, second:
            channel = await first.channel()
            await channel.declare_queue("mine")
            beside = await second.channel()
            with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
                await beside.declare_queue("mine", passive=True)
