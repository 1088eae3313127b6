"""What backends read, written from the contract alone."""

from __future__ import annotations

import json
import time

import pytest
from redis.asyncio import Redis
from tests.plugins.presence_redis.harness import connection, node
from tests.support.survival import eventually

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(redis):
    async with Redis.from_url(redis.dsn, decode_responses=True) as client:
        yield client


async def test_a_connection_is_a_hash_of_exactly_five_texts_and_a_member_of_its_sets(redis, store):
    async with node(redis.dsn) as a:
        await a.presence.joined([connection(1, "42", "room:7")])
        found = await store.hgetall("presence:conn:c-1")
        seen = int(found.pop("last_seen_at"))
        subjects = json.loads(found.pop("subjects"))
        assert found == {
            "connection_id": "c-1",
            "user_id": "42",
            "connected_at": "1700000000",
        }
        assert subjects == ["user:42", "room:7"]
        assert abs(seen - time.time()) < 5
        for key in ("presence:user:42", "presence:subject:user:42", "presence:subject:room:7"):
            assert await store.smembers(key) == {"c-1"}
            assert 100 < await store.ttl(key) <= 120
        assert 100 < await store.ttl("presence:conn:c-1") <= 120


async def test_changed_subjects_leave_no_old_membership(redis, store):
    async with node(redis.dsn) as a:
        await a.presence.joined([connection(1, "42", "room:7")])
        await a.presence.joined([connection(1, "42", "room:8")])
        assert not await store.exists("presence:subject:room:7")
        assert await store.smembers("presence:subject:room:8") == {"c-1"}


async def test_leaving_removes_what_is_ours_and_nothing_else(redis, store):
    await store.sadd("presence:user:42", "foreign")
    await store.hset("presence:conn:foreign", "connection_id", "foreign")
    async with node(redis.dsn) as a:
        await a.presence.joined([connection(1), connection(2)])
        await a.presence.left([connection(1)])
        assert await store.smembers("presence:user:42") == {"foreign", "c-2"}
        assert not await store.exists("presence:conn:c-1")
    assert await store.smembers("presence:user:42") == {"foreign"}
    assert await store.exists("presence:conn:foreign")


async def test_a_graceful_stop_leaves_no_key(redis, store):
    async with node(redis.dsn) as a:
        await eventually(a.ready)
        await a.presence.joined([connection(number) for number in range(450)])
        assert len(await store.keys("presence:conn:*")) == 450
    assert await store.keys("*") == []


async def test_a_refresh_writes_whole_what_is_gone(redis, store):
    async with node(redis.dsn) as a:
        await eventually(a.ready)
        await a.presence.joined([connection(1, "42", "room:7")])
        await store.flushall()
        await a.presence.refresh([connection(1, "42", "room:7")])
        assert await store.smembers("presence:subject:room:7") == {"c-1"}
        assert await store.hexists("gatewright:presence:{a}:conns", "c-1")


@pytest.mark.parametrize(("ttl", "seconds"), [(120, 20.0), (30, 10.0), (15, 5.0)])
async def test_connections_are_refreshed_in_time(redis, ttl, seconds):
    async with node(redis.dsn, start=False, ttl_seconds=ttl) as a:
        assert a.presence.refresh_seconds == seconds


@pytest.mark.parametrize("user", ["conn:x", "a*b", "[x]", "{x}", "ü:ß", "42:43", "a b"])
async def test_ids_stand_in_keys_as_they_are_and_reach_no_other(redis, store, user):
    async with node(redis.dsn) as a:
        await a.presence.joined([connection(1, user), connection(2, "other")])
        assert await store.smembers(f"presence:user:{user}") == {"c-1"}
        assert sorted(await store.keys("presence:conn:*")) == [
            "presence:conn:c-1",
            "presence:conn:c-2",
        ]
        page = await a.presence.find(user_id=user)
        assert [one.connection_id for one in page.connections] == ["c-1"]


async def test_our_own_keys_stand_outside_of_what_backends_read(redis, store):
    async with node(redis.dsn) as a:
        await eventually(a.ready)
        await a.presence.joined([connection(1)])
        ours = {"presence:conn:c-1", "presence:user:42", "presence:subject:user:42"}
        others = set(await store.keys("*")) - ours
        assert others
        assert all(key.startswith("gatewright:presence:") for key in others)
