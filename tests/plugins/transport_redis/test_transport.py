"""From stream to publication, with a Redis that is well."""

import asyncio
import json
import time

import pytest
from tests.plugins.transport_redis.harness import entry, opened, running, until

from gatewright import BusUnavailable, DeadLetter, Publication, PublicationLimits, Receipt
from gatewright_transport_redis import transport

pytestmark = pytest.mark.anyio


async def test_publications_arrive_in_order_byte_for_byte(redis, backend):
    await backend.add(-1)
    async with running(redis.dsn) as node:
        await backend.add_raw(
            b'{"subjects":["user:1","room"],"payload": {"a" : [1.0,"\xc3\xbc"]} ,"id":"x","z":1}',
            b"{}",
        )
        await backend.client.xadd("ws.outbox", {"traceparent": "t", "data": entry(3)})
        await until(lambda: len(node.published) == 3)

        assert node.published == [
            Publication(
                ("user:1", "room"), b'{"a" : [1.0,"\xc3\xbc"]}', id="x", source="redis_stream"
            ),
            Publication((), b"null", source="redis_stream"),
            Publication(("user:42",), b"3", source="redis_stream"),
        ]
        assert node.metric("entries_total") == 3


async def test_health_names_the_place_and_nothing_secret(redis, backend):
    async with opened(redis.dsn.replace("//", "//:pass@")) as node:
        health = node.transport.health()

        assert not health.ready
        assert health.detail == f"127.0.0.1:{redis.port}/0: not connected yet"
    async with running(redis.dsn) as node:
        await backend.add(1)
        await node.hears(1)
        health = node.transport.health()
        assert (health.ready, health.detail) == (True, "")
        assert health.facts["gaps"] == health.facts["missed"] == 0
        newest = (await backend.client.xinfo_stream("ws.outbox"))["last-generated-id"]
        assert health.facts["cursor"] == newest.decode()


async def test_a_run_that_is_started_again_goes_on_where_it_was(redis, backend):
    async with running(redis.dsn) as node:
        await backend.add(*range(10))
        assert await node.hears(10) == list(range(10))
        await node.stop()
        await backend.add(*range(10, 20))
        node.start()

        assert await node.hears(20) == list(range(20))


async def test_being_stopped_within_a_batch_loses_and_repeats_nothing(redis, backend):
    async with running(redis.dsn) as node:
        await node.stop()
        await backend.add(*range(2000))
        heard, gate = [], asyncio.Event()

        async def slow(publication, *, count=True):
            if len(heard) == 700 and not gate.is_set():
                gate.set()
                await asyncio.sleep(60)
            heard.append(json.loads(publication.payload))
            return Receipt(None)

        first = asyncio.create_task(node.transport.run(slow))
        await gate.wait()
        first.cancel()
        await asyncio.wait([first])
        assert heard == list(range(700))
        second = asyncio.create_task(node.transport.run(slow))
        await until(lambda: len(heard) >= 2000)
        second.cancel()
        await asyncio.wait([second])

    assert heard == list(range(2000))


async def test_a_bus_that_is_away_is_asked_again_with_the_same_publication(redis, backend):
    async with running(redis.dsn) as node:
        await node.stop()
        refusals, plain = [1, 2, 3], node.publish

        async def publish(publication, *, count=True):
            if refusals and len(node.published) == 2:
                refusals.pop()
                why = "away"
                raise BusUnavailable(why)
            return await plain(publication, count=count)

        node.publish = publish
        node.start()
        await backend.add(*range(5))

        assert await node.hears(5) == list(range(5))


async def test_a_large_batch_leaves_the_loop_its_turns(redis, backend, monkeypatch):
    monkeypatch.setattr(transport, "_TURN_SECONDS", 0.0)  # however fast the machine is
    async with running(redis.dsn, batch=10_000) as node:
        await node.stop()
        for start in range(0, 10_000, 1000):
            await backend.add(*range(start, start + 1000))
        node.start()
        turns = 0
        while len(node.published) < 10_000:
            await asyncio.sleep(0)
            if 0 < len(node.published) < 10_000:
                turns += 1

        assert turns >= 5
        assert node.numbers == list(range(10_000))


async def test_old_entries_are_trimmed_only_when_asked(redis, backend):
    old = f"{int((time.time() - 3600) * 1000)}-0"
    for each in range(1000):
        await backend.client.xadd("ws.outbox", {"data": entry(each)}, id=old.replace("-0", "-*"))
    async with running(redis.dsn):
        assert await backend.client.xlen("ws.outbox") == 1000
    async with running(redis.dsn, trim_seconds=600) as node:
        while await backend.client.xlen("ws.outbox") > 100:
            await asyncio.sleep(0.01)
        await backend.add(1)

        assert await node.hears(1) == [1]
        assert node.metric("gaps_total") == 0


async def test_a_server_that_cannot_trim_delivers_all_the_same(redis, backend):
    await backend.client.execute_command("ACL SETUSER default -xtrim")
    async with running(redis.dsn, trim_seconds=600) as node:
        await backend.add(1)

        assert await node.hears(1) == [1]
        assert node.logged.count("cannot trim") == 1


async def test_limits_are_the_gateways(redis, backend):
    limits = PublicationLimits(max_bytes=100, max_subjects=2)
    async with running(redis.dsn, limits=limits) as node:
        await backend.add_raw(b'{"payload":"' + b"x" * 200 + b'"}', b'{"subjects":["a","b","c"]}')
        await backend.add(1)

        assert await node.hears(1) == [1]
        assert [reason for reason, _ in await backend.letters()] == ["too_large", "too_large"]


async def test_a_letter_is_sent_again(redis, backend):
    async with running(redis.dsn) as node:
        await node.transport.resend(
            DeadLetter("1-0", "publication", "redis_stream", "parse_error", entry(7).encode())
        )

        assert await node.hears(1) == [7]
