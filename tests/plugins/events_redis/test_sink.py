"""Events in a real Redis, as the contract has them, and what each answer means."""

from __future__ import annotations

import asyncio
import time

import pytest
from pydantic import ValidationError
from redis.asyncio import Redis
from tests.plugins.events_redis.harness import event, sink

from gatewright import Done, Reject, Retry
from gatewright_events_redis import StreamSinkSettings

pytestmark = pytest.mark.anyio


class Clock:
    now = 100.0

    def monotonic(self):
        return self.now

    def time(self):
        return self.now


async def entries(redis, stream="ws.events"):
    async with Redis.from_url(redis.dsn) as client:
        return [fields for _, fields in await client.xrange(stream)]


async def test_an_event_is_an_entry_with_id_and_number_beside_the_body(redis):
    body = '{"type":"message_received","raw":"grüße"}'.encode()
    async with sink(redis.dsn) as open_sink:
        assert await open_sink.send([event("c", 7, body=body)]) == [Done()]
    assert await entries(redis) == [{b"data": body, b"id": b"c-7", b"seq": b"7"}]


async def test_a_reason_stands_beside_and_an_event_without_number_has_none(redis):
    async with sink(redis.dsn) as open_sink:
        await open_sink.send([event("c", 0, kind="disconnected", reason="node_lost")])
    (fields,) = await entries(redis)
    assert fields == {b"data": b'{"type":"x"}', b"id": b"c-0", b"reason": b"node_lost"}


async def test_a_batch_is_written_in_its_order(redis):
    async with sink(redis.dsn) as open_sink:
        outcomes = await open_sink.send([event(f"c{number}") for number in range(500)])
    assert outcomes == [Done()] * 500
    assert [fields[b"id"] for fields in await entries(redis)] == [
        f"c{number}-1".encode() for number in range(500)
    ]


async def test_messages_may_go_to_a_stream_of_their_own(redis):
    async with sink(redis.dsn, streams={"message_received": "ws.inbox"}) as open_sink:
        await open_sink.send([event("a"), event("b", kind="connected")])
    assert [fields[b"id"] for fields in await entries(redis, "ws.inbox")] == [b"a-1"]
    assert [fields[b"id"] for fields in await entries(redis)] == [b"b-1"]


def test_empty_names_of_streams_are_dropped():
    settings = StreamSinkSettings(streams={"message_received": None, "connected": ""})
    assert settings.streams == {}


def test_a_type_that_is_none_is_refused():
    with pytest.raises(ValidationError):
        StreamSinkSettings(streams={"message": "ws.inbox"})


async def test_the_stream_can_be_capped(redis):
    async with sink(redis.dsn, max_length=100) as open_sink:
        for start in range(0, 1000, 250):
            await open_sink.send([event(f"c{start + number}") for number in range(250)])
    assert len(await entries(redis)) < 400


async def test_a_full_redis_is_tried_again_and_takes_events_later(redis):
    async with Redis.from_url(redis.dsn) as client, sink(redis.dsn) as open_sink:
        await client.config_set("maxmemory", "1")
        (outcome,) = await open_sink.send([event()])
        assert isinstance(outcome, Retry)
        assert "OutOfMemory" in outcome.error
        assert not open_sink.health().ready
        await client.config_set("maxmemory", "0")
        assert await open_sink.send([event()]) == [Done()]
        assert open_sink.health().ready


async def test_a_key_that_is_no_stream_is_refused_for_its_events_alone(redis):
    async with Redis.from_url(redis.dsn) as client:
        await client.set("taken", "1")
        async with sink(redis.dsn, streams={"connected": "taken"}) as open_sink:
            outcomes = await open_sink.send([event("a"), event("b", kind="connected")])
    assert outcomes[0] == Done()
    assert isinstance(outcomes[1], Reject)


async def test_a_killed_redis_is_a_retry_and_a_restarted_one_takes_the_event(redis):
    async with sink(redis.dsn) as open_sink:
        await open_sink.send([event("a")])
        await redis.kill()
        (outcome,) = await open_sink.send([event("b")])
        assert isinstance(outcome, Retry)
        assert "guest" not in outcome.error
        await redis.restart()
        assert await open_sink.send([event("b")]) == [Done()]
    assert [fields[b"id"] for fields in await entries(redis)] == [b"a-1", b"b-1"]


async def test_a_frozen_redis_costs_no_more_than_the_timeout_and_stores_nothing_by_itself_twice(
    redis,
):
    async with sink(redis.dsn, timeout_seconds=0.5) as open_sink:
        await open_sink.send([event("a")])
        redis.freeze()
        began = time.monotonic()
        (outcome,) = await open_sink.send([event("b")])
        assert isinstance(outcome, Retry)
        assert time.monotonic() - began < 5
        redis.thaw()
    stored = [fields[b"id"] for fields in await entries(redis)]
    assert stored in ([b"a-1"], [b"a-1", b"b-1"])  # whether it was stored is unknown; once at most


async def test_ready_follows_redis_without_any_event(redis):
    async with sink(redis.dsn) as open_sink:
        running = asyncio.create_task(open_sink.run())
        try:
            async with asyncio.timeout(10):
                while not open_sink.health().ready:
                    await asyncio.sleep(0.01)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_a_refusal_counts_for_a_while_though_redis_answers(redis):
    clock = Clock()
    async with Redis.from_url(redis.dsn) as client, sink(redis.dsn, clock=clock) as open_sink:
        await client.config_set("maxmemory", "1")
        await open_sink.send([event()])
        await open_sink._look()
        assert open_sink.health().detail.startswith(f"127.0.0.1:{redis.port}/0: OutOfMemory")
        clock.now += 16
        await open_sink._look()
        assert open_sink.health().ready


async def test_ready_tells_of_a_redis_that_is_away_and_of_its_return(redis):
    async with sink(redis.dsn) as open_sink:
        await open_sink._look()
        assert open_sink.health().ready
        await redis.kill()
        await open_sink._look()
        assert not open_sink.health().ready
        await redis.restart()
        await open_sink._look()
        assert open_sink.health().ready


async def test_a_read_only_redis_is_tried_again(redis):
    async with Redis.from_url(redis.dsn) as client, sink(redis.dsn) as open_sink:
        await client.execute_command("REPLICAOF", "127.0.0.1", "1")
        (outcome,) = await open_sink.send([event()])
        assert isinstance(outcome, Retry)
        await client.execute_command("REPLICAOF", "NO", "ONE")
        assert await open_sink.send([event()]) == [Done()]


async def test_without_the_right_to_write_events_are_kept_for_later(redis):
    async with Redis.from_url(redis.dsn) as client:
        await client.execute_command(
            "ACL", "SETUSER", "gw", "on", ">pw", "~ws.events", "+ping", "+xadd"
        )
        dsn = redis.dsn.replace("//", "//gw:pw@")
        async with sink(dsn, streams={"connected": "other"}) as open_sink:
            outcomes = await open_sink.send([event("a"), event("b", kind="connected")])
    assert outcomes[0] == Done()
    assert isinstance(outcomes[1], Retry)
    assert outcomes[1].error.startswith("NoPermissionError")
