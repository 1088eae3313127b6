"""The commands on a real Redis: the chosen store, and what the transport keeps itself."""

from __future__ import annotations

import json
from functools import partial

import anyio.to_thread
import pytest
from redis.asyncio import Redis
from tests.core.cli.dlq.conftest import letter
from tests.plugins.events_redis.harness import store

pytestmark = pytest.mark.anyio

CONFIG = """
auth: {anonymous: {}}
dead_letters: {redis_stream: {dsn: "DSN"}}
events: {redis_stream: {dsn: "DSN"}}
transports: {redis_stream: {dsn: "DSN"}}
"""


@pytest.fixture
def run(redis, tmp_path, gatewright):
    """Run a command beside the test's own loop."""
    (tmp_path / "gateway.yaml").write_text(CONFIG.replace("DSN", redis.dsn))

    async def run(*arguments):
        return await anyio.to_thread.run_sync(partial(gatewright, "dlq", *arguments))

    return run


@pytest.fixture
async def client(redis):
    async with Redis.from_url(redis.dsn) as client:
        yield client


def event_letter(number):
    return letter(number, target="redis_stream")


async def test_events_in_the_store_go_to_their_stream_with_their_ids(redis, run, client):
    async with store(redis.dsn) as kept:
        await kept.put([event_letter(1), event_letter(2)])

    listed = await run("list", "--json")
    done = await run("redrive", "--all")
    again = await run("redrive", "--all")

    keys = [json.loads(line)["key"] for line in listed.out.splitlines()]
    assert (done.code, done.out, done.err) == (0, "2 redriven, 0 failed\n", "")
    assert again.out == "0 redriven, 0 failed\n"
    entries = [fields for _, fields in await client.xrange("ws.events")]
    assert [(entry[b"id"], entry[b"seq"]) for entry in entries] == [(b"e1", b"1"), (b"e2", b"2")]
    dropped = await run("drop", *keys, "--yes")
    assert dropped.out == "removed 2 dead letters\n"
    assert await client.keys("*dlq*") == [b"ws.events.dlq"]
    assert await client.xlen("ws.events.dlq") == 0


async def test_what_the_transport_rejected_goes_back_to_its_stream_byte_for_byte(run, client):
    raw = b'{"subjects":["user:42"], "payload" : 1.0 \xff'
    await client.xadd("ws.dlq", {"reason": "parse_error", "raw": raw})

    listed = await run("list", "--from", "transports.redis_stream", "--json")
    done = await run("redrive", "--all", "--from", "redis_stream")
    after = await run("list", "--from", "redis_stream", "--state", "redriven", "--json")

    assert json.loads(listed.out)["reason"] == "parse_error"
    assert (done.code, done.out, done.err) == (0, "1 redriven, 0 failed\n", "")
    assert [fields for _, fields in await client.xrange("ws.outbox")] == [{b"data": raw}]
    assert json.loads(after.out)["target"] == "redis_stream"
    assert await client.xlen("ws.dlq") == 1
    dropped = await run("drop", "--all", "--yes", "--from", "redis_stream")
    assert dropped.out == "removed 1 dead letter\n"
    assert await client.xlen("ws.dlq") == 0


async def test_a_redis_that_is_away_is_one_line_and_costs_no_letter(redis, run):
    async with store(redis.dsn) as kept:
        await kept.put([event_letter(1)])
    await redis.kill()

    refused = await run("redrive", "--all")

    assert refused.code != 0
    assert len(refused.err.splitlines()) == 1
    assert "Traceback" not in refused.err
    await redis.restart()
    assert (await run("redrive", "--all")).out == "1 redriven, 0 failed\n"
