"""The same plugin twice under labels: each works, fails and recovers by itself."""

from __future__ import annotations

import asyncio
import json

import pytest
from redis.asyncio import Redis
from tests.support.cluster import Listener, RabbitBackend, RedisBackend
from tests.support.gateway import API_KEY, gateway
from tests.support.survival import eventually, survived

from gatewright.testing.brokers.redis_server import RedisServer

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


@pytest.fixture
async def far(tmp_path):
    async with RedisServer.start(tmp_path / "far", append_only=True) as server:
        yield server


def sections(near, far, rabbit):
    return f"""
transports:
  http: {{api_keys: [{API_KEY}]}}
  redis_stream: {{dsn: "{near.dsn}"}}
  redis_stream/far: {{dsn: "{far.dsn}"}}
  redis_stream/other: {{dsn: "{near.dsn}", stream: other.outbox}}
  rabbitmq: {{dsn: "{rabbit.dsn}"}}
  rabbitmq/other: {{dsn: "{rabbit.dsn}", exchange: other, queue: other, routing_key: other}}
events:
  redis_stream: {{dsn: "{near.dsn}"}}
  redis_stream/far: {{dsn: "{far.dsn}", types: [message_received]}}
"""


async def parts(running):
    answer = await running.get("/ready")
    return {name: part["ready"] for name, part in answer.json()["parts"].items()}


async def test_each_works_fails_and_recovers_by_itself(tmp_path, redis, rabbitmq, far):
    async with (
        gateway(tmp_path, sections(redis, far, rabbitmq)) as running,
        Listener(running, "42") as client,
        RedisBackend(redis.dsn) as near_backend,
        RedisBackend(far.dsn) as far_backend,
        RabbitBackend(rabbitmq.dsn) as rabbit_backend,
    ):

        async def all_ready():
            return all((await parts(running)).values())

        async def only_far_is_red():
            red = {name for name, ready in (await parts(running)).items() if not ready}
            return red == {"transports.redis_stream/far", "events.redis_stream/far"}

        await eventually(all_ready, 20)
        for name, publisher in (
            ("near", near_backend),
            ("far", far_backend),
            ("rabbit", rabbit_backend),
        ):
            await publisher.publish(name, "user:42")
            await client.until_heard(name)
        await near_backend.client.xadd(
            "other.outbox", {"data": '{"subjects":["user:42"],"payload":"other"}'}
        )
        await client.until_heard("other")

        await far.kill()
        await eventually(only_far_is_red, 20)
        await near_backend.publish("meanwhile", "user:42")
        await rabbit_backend.publish("too", "user:42")
        await client.until_heard("meanwhile")
        await client.until_heard("too")
        await client.client.send('{"said":"meanwhile"}')

        await far.restart()
        await eventually(all_ready, 20)
        async with RedisBackend(far.dsn) as again:
            await again.publish("again", "user:42")
        await client.until_heard("again")
        assert sorted(client.heard) == sorted(
            ["near", "far", "rabbit", "other", "meanwhile", "too", "again"]
        )
        for server, types in (
            (redis, ["connected", "message_received"]),
            (far, ["message_received"]),
        ):
            assert await told(server, len(types)) == types
        assert await running.metric("gatewright_redis_stream_far_entries_total") == 2
        assert await running.metric("gatewright_redis_stream_entries_total") == 2
        await survived(running)


async def told(server, count):
    async with Redis.from_url(server.dsn) as client, asyncio.timeout(20):
        while await client.xlen("ws.events") < count:
            await asyncio.sleep(0.05)
        return [
            json.loads(fields[b"data"])["type"] for _, fields in await client.xrange("ws.events")
        ]
