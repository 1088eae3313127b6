"""Entries that cannot be read: rows 15 and 16."""

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.faults.test_poison import POISON
from tests.plugins.transport_redis.harness import entry, publishing, running, until
from tests.support.bodies import BODIES, is_valid

from gatewright.testing.brokers.redis_server import RedisServer

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("kind", POISON)
async def test_poison_becomes_a_dead_letter_and_the_next_entry_is_unaffected(redis, backend, kind):
    body, status = POISON[kind]
    raw = body.encode() if isinstance(body, str) else body
    reason = "too_large" if status == 413 else "parse_error"
    async with running(redis.dsn) as node:
        await backend.add_raw(raw)
        await backend.add(1)

        assert await node.hears(1) == [1]
        while not await backend.letters():
            await anyio.sleep(0.01)
        assert await backend.letters() == [(reason, raw)]
        assert node.metric("invalid_total", reason=reason) == 1
        assert node.letters.records == []


async def test_entries_without_data_are_kept_as_the_json_of_their_fields(redis, backend):
    async with running(redis.dsn) as node:
        await backend.client.xadd("ws.outbox", {"payload": "x", b"\xff": b'"'})
        await backend.add(1)

        assert await node.hears(1) == [1]
        await until(lambda: node.metric("invalid_total", reason="parse_error") == 1)
        assert await backend.letters() == [("parse_error", b'{"payload":"x","\\\\xff":"\\""}')]


@pytest.fixture(scope="module")
async def long_running(tmp_path_factory, anyio_backend):
    """A node for many examples, with a Redis of its own."""
    folder = tmp_path_factory.mktemp("redis")
    async with RedisServer.start(folder) as redis, publishing(redis) as backend:
        async with running(redis.dsn) as node:
            yield node, backend


@settings(max_examples=60)
@given(st.lists(BODIES, max_size=30))
async def test_whatever_is_added_is_published_or_a_dead_letter(long_running, bodies):
    node, backend = long_running
    node.published.clear()
    await backend.client.delete("ws.dlq")
    good = [each for each in bodies if is_valid(each)]
    bad = [each for each in bodies if not is_valid(each)]
    await backend.add_raw(*bodies)
    await backend.add(1)

    await until(lambda: len(node.published) > len(good))
    while await backend.client.xlen("ws.dlq") < len(bad):
        await anyio.sleep(0.005)
    assert [raw for _, raw in await backend.letters()] == bad
    assert len(node.published) == len(good) + 1
    assert node.letters.records == []


async def test_three_nodes_write_500_broken_entries_once(redis, backend):
    async with running(redis.dsn) as one, running(redis.dsn) as two, running(redis.dsn) as three:
        broken = [b"broken %d" % each for each in range(500)]
        await backend.add_raw(*broken)
        await backend.add(1)
        for node in (one, two, three):
            assert await node.hears(1) == [1]
            await until(lambda: node.metric("invalid_total", reason="parse_error") == 500)  # noqa: B023

    letters = await backend.letters()
    assert sorted(raw for _, raw in letters) == sorted(broken)
    (mark,) = [key async for key in backend.client.scan_iter("{ws.dlq}:seen:*")][:1]
    assert mark.startswith(b"{ws.dlq}:seen:ws.outbox:")
    assert 3500 < await backend.client.ttl(mark) <= 3600


async def test_without_the_right_to_run_scripts_each_node_writes_and_says_so_once(redis, backend):
    await backend.client.execute_command("ACL SETUSER gw on >pw ~* +@all -eval")
    dsn = redis.dsn.replace("//", "//gw:pw@")
    async with running(dsn) as one, running(dsn) as two:
        for each in (b"a", b"b"):
            await backend.add_raw(each)
            await backend.add(1)
            await anyio.sleep(0.1)
        for node in (one, two):
            assert await node.hears(2) == [1, 1]
            await until(lambda: node.metric("invalid_total", reason="parse_error") == 2)  # noqa: B023
            told = [text for text in node.logged if "no right to run a script" in text]
            assert len(told) == 1
            assert node.letters.records == []

    assert sorted(raw for _, raw in await backend.letters()) == [b"a", b"a", b"b", b"b"]


async def test_the_rights_that_the_readme_names_suffice(redis, backend):
    await backend.client.execute_command(
        "ACL SETUSER gw on >pw -@all %R~ws.outbox ~ws.dlq ~{ws.dlq}:* "
        "+xread +xinfo|stream +eval +set +del +xadd"
    )
    async with running(redis.dsn.replace("//", "//gw:pw@")) as node:
        await backend.add_raw(b"broken")
        await backend.add(1)

        assert await node.hears(1) == [1]
        while not await backend.letters():
            await anyio.sleep(0.01)
        assert await backend.letters() == [("parse_error", b"broken")]
        assert node.logged == ["reading"]


async def test_a_dead_letter_stream_that_is_denied_goes_to_the_gateways_letters(redis, backend):
    await backend.client.execute_command(
        "ACL SETUSER gw on >pw ~ws.outbox ~{ws.dlq}:* %R~ws.dlq +@all"
    )
    async with running(redis.dsn.replace("//", "//gw:pw@")) as node:
        await backend.add_raw(b"broken")
        await backend.add(1)

        assert await node.hears(1) == [1]
        await until(lambda: node.letters.records)
        (letter,) = node.letters.records
        assert (letter.payload, letter.reason, letter.kind) == (
            b"broken",
            "parse_error",
            "publication",
        )
        assert letter.target == "redis_stream"
        assert letter.id in {key.decode() for key, _ in await backend.client.xrange("ws.outbox")}
        assert await backend.letters() == []
        assert not [key async for key in backend.client.scan_iter("{ws.dlq}:seen:*")]


async def test_letters_that_nobody_takes_wait_and_are_written_in_the_end(redis, backend):
    await backend.client.set("ws.dlq", "another type")
    async with running(redis.dsn) as node:
        node.letters.refusals = 3
        await backend.add_raw(b"broken")
        await backend.add(1)
        for _ in range(3):
            await until(node.task.done)
            with pytest.raises(OSError, match="No space left"):
                await node.task
            node.start()

        await backend.add(2)
        assert await node.hears(2) == [1, 2]
        await until(lambda: node.letters.records)
        assert [letter.payload for letter in node.letters.records] == [b"broken"]


async def test_large_letters_are_written_in_portions(redis, backend):
    bodies = [b"%d" % each + b"x" * 900_000 for each in range(12)]
    async with running(redis.dsn) as node:
        await backend.add_raw(*bodies)
        await backend.add_raw(entry(1).encode())

        assert await node.hears(1) == [1]
        await until(lambda: node.metric("invalid_total", reason="parse_error") == 12)
        await node.stop()
    assert [raw for _, raw in await backend.letters()] == bodies
