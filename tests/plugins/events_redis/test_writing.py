"""Batches of commands: whose answers are whose, whatever goes wrong between."""

from __future__ import annotations

import asyncio
import time

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from tests.kits.redis.servers import one_node_cluster
from tests.plugins.events_redis.harness import event, letter, sink, store

from gatewright import Done, Retry
from gatewright.testing.toxics import ToxicProxy
from gatewright_events_redis.writing import ClusterWriter, DirectWriter, writer_for
from gatewright_redis_kit import Connection

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(redis):
    client = Connection.parse(SecretStr(redis.dsn)).commands(timeout=5)
    yield client
    await client.aclose()


def echoes(*texts):
    return [("ECHO", text) for text in texts]


async def test_every_command_has_its_answer_errors_included(client):
    writer = writer_for(client, 5)

    answers = await writer.write([("ECHO", "a"), ("NONSENSE",), ("ECHO", b"\xff"), ("ECHO", 7)])

    assert isinstance(writer, DirectWriter)
    assert isinstance(answers[1], ResponseError)
    assert [answers[0], *answers[2:]] == [b"a", b"\xff", b"7"]


async def test_batches_side_by_side_get_their_own_answers(client):
    writer = writer_for(client, 5)

    async def batch(number):
        texts = [f"{number}-{each}" for each in range(300)]
        return await writer.write(echoes(*texts)) == [text.encode() for text in texts]

    assert all(await asyncio.gather(*map(batch, range(20))))


async def test_a_batch_larger_than_any_buffer_goes_through(client):
    texts = ["x" * 1_000_000] * 40

    answers = await writer_for(client, 20).write(echoes(*texts))

    assert [len(answer) for answer in answers] == [1_000_000] * 40


async def test_a_cancelled_batch_leaves_its_answers_to_nobody(redis, client):
    writer = writer_for(client, 5)
    await writer.write(echoes("warm"))
    redis.freeze()
    cancelled = asyncio.create_task(writer.write(echoes("old", "older")))
    await asyncio.sleep(0.1)  # it is written, and waits for its answers
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    redis.thaw()

    assert await writer.write(echoes("new")) == [b"new"]
    assert len(client.connection_pool._available_connections) == 1
    assert not client.connection_pool._in_use_connections


async def test_a_late_batch_ends_in_time_and_leaves_its_answers_to_nobody(redis, client):
    writer = writer_for(client, 0.3)
    await writer.write(echoes("warm"))
    redis.freeze()
    began = time.monotonic()
    with pytest.raises(RedisTimeoutError, match="no answer within 0\\.3 s"):
        await writer.write(echoes("old"))
    assert time.monotonic() - began < 3
    redis.thaw()

    assert await writer_for(client, 5).write(echoes("new")) == [b"new"]


async def test_a_connection_cut_between_batches_is_not_noticed(redis, client):
    writer = writer_for(client, 5)
    await writer.write(echoes("warm"))
    await redis.restart()

    assert await writer.write(echoes("again")) == [b"again"]


async def test_one_that_is_cut_within_a_batch_is_an_error(redis):
    async with ToxicProxy.to("127.0.0.1", redis.port) as proxy:
        client = Connection.parse(SecretStr(f"redis://127.0.0.1:{proxy.port}")).commands()
        writer = writer_for(client, 5)
        await writer.write(echoes("warm"))
        redis.freeze()
        cut = asyncio.create_task(writer.write(echoes("a")))
        await asyncio.sleep(0.1)
        proxy.reset()
        with pytest.raises((RedisConnectionError, OSError)):
            await cut
        redis.thaw()
        await client.aclose()


async def test_a_cluster_takes_events_and_keeps_letters(tmp_path):
    async with one_node_cluster(tmp_path / "cluster") as server:
        dsn = f"redis+cluster://127.0.0.1:{server.port}"
        client = Connection.parse(SecretStr(dsn)).commands()
        assert isinstance(writer_for(client, 5), ClusterWriter)
        await client.aclose()
        streams = {"connected": "elsewhere"}
        async with sink(dsn, streams=streams) as open_sink, store(dsn) as kept:
            batch = [event("a"), event("b", kind="connected"), event("c")]
            assert await open_sink.send(batch) == [Done()] * 3
            await kept.put([letter(1), letter(2)])
            one, _ = await kept.read()
            await kept.mark(one.key, "redriven")
            assert [each.state for each in await kept.read()] == ["redriven", "new"]
            assert await kept.remove([one.key]) == 1
            assert [each.letter for each in await kept.read()] == [letter(2)]


async def test_a_wrong_password_is_told_without_it(redis):
    async with Redis.from_url(redis.dsn) as admin:
        await admin.config_set("requirepass", "right")
        async with sink(redis.dsn.replace("//", "//:hidden@")) as open_sink:
            (outcome,) = await open_sink.send([event()])
            assert isinstance(outcome, Retry)
            assert "hidden" not in f"{outcome} {open_sink.health()}"
        async with sink(redis.dsn.replace("//", "//:right@")) as open_sink:
            assert await open_sink.send([event()]) == [Done()]
