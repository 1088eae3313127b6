"""Dead letters in a real Redis."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.exceptions import RedisError
from tests.plugins.events_redis.harness import letter, store

from gatewright import DeadLetter
from gatewright_events_redis.letters import fields_of, letter_of

pytestmark = pytest.mark.anyio


async def test_letters_come_back_as_they_were_in_the_order_of_writing(redis):
    letters = [letter(number, event_reason="node_lost") for number in range(1, 6)]
    letters.append(letter(6, payload=b"\xff\x00", kind="publication"))
    async with store(redis.dsn) as kept:
        await kept.put(letters)
        found = await kept.read()
    assert [each.letter for each in found] == letters
    assert {each.state for each in found} == {"new"}


async def test_reading_goes_on_after_a_key(redis):
    async with store(redis.dsn) as kept:
        await kept.put([letter(number) for number in range(1, 8)])
        first = await kept.read(limit=3)
        rest = await kept.read(after=first[-1].key, limit=100)
    assert [each.letter.seq for each in [*first, *rest]] == [1, 2, 3, 4, 5, 6, 7]


async def test_marks_and_removals_hold_and_unknown_keys_are_no_error(redis):
    async with store(redis.dsn) as kept:
        await kept.put([letter(1), letter(2)])
        one, two = await kept.read()
        await kept.mark(one.key, "redriven")
        await kept.mark("0-7", "redriven")
        await kept.mark("nonsense", "redriven")
        assert [each.state for each in await kept.read()] == ["redriven", "new"]
        assert await kept.remove([one.key, "0-7", "nonsense"]) == 1
        assert [each.key for each in await kept.read()] == [two.key]
    async with Redis.from_url(redis.dsn) as client:
        assert await client.keys("*marks*") == []


async def test_a_strange_key_to_read_after_is_an_error(redis):
    async with store(redis.dsn) as kept:
        with pytest.raises(ValueError, match="not one that this store gave"):
            await kept.read(after="nonsense")


async def test_what_others_wrote_can_be_read(redis):
    async with Redis.from_url(redis.dsn) as client, store(redis.dsn, stream="ws.dlq") as kept:
        await client.xadd("ws.dlq", {"reason": "parse_error", "raw": b"\xffbroken"})
        await client.xadd("ws.dlq", {"nothing": "known"})
        found = await kept.read()
    assert (found[0].letter.reason, found[0].letter.payload) == ("parse_error", b"\xffbroken")
    assert {each.letter.kind for each in found} == {"publication"}


async def test_a_full_redis_raises_so_that_the_local_file_takes_the_letters(redis):
    async with Redis.from_url(redis.dsn) as client, store(redis.dsn) as kept:
        await client.config_set("maxmemory", "1")
        with pytest.raises(RedisError):
            await kept.put([letter()])


async def test_letters_survive_a_killed_redis_and_a_batch_that_it_does_not_take_raises(redis):
    async with store(redis.dsn) as kept:
        await kept.put([letter(1)])
        await redis.kill()
        with pytest.raises((RedisError, OSError)):
            await kept.put([letter(2)])
        await redis.restart()
        await kept.put([letter(3)])
        assert [each.letter.seq for each in await kept.read()] == [1, 3]


async def test_a_batch_of_which_one_is_refused_raises(redis):
    async with Redis.from_url(redis.dsn) as client, store(redis.dsn) as kept:
        await client.set("ws.events.dlq", "taken")
        with pytest.raises(RedisError, match="WRONGTYPE"):
            await kept.put([letter(1), letter(2)])


async def test_a_frozen_redis_raises_sooner_than_the_core_gives_up(redis):
    async with store(redis.dsn) as kept:
        await kept.put([letter(1)])
        redis.freeze()
        began = time.monotonic()
        with pytest.raises((RedisError, OSError)):
            await kept.put([letter(2)])
        assert time.monotonic() - began < 10
        redis.thaw()


async def test_marks_are_in_a_hash_in_the_slot_of_the_stream(redis):
    async with Redis.from_url(redis.dsn) as client, store(redis.dsn) as kept:
        await kept.put([letter(1)])
        (one,) = await kept.read()
        await kept.mark(one.key, "redriven")
        assert await client.hgetall("{ws.events.dlq}:marks") == {one.key.encode(): b"redriven"}


async def test_letters_can_be_capped(redis):
    async with store(redis.dsn, max_length=100) as kept:
        await kept.put([letter(number) for number in range(1000)])
        found = await kept.read(limit=1000)
    assert len(found) < 400
    assert found[-1].letter.seq == 999


async def test_ready_follows_redis(redis):
    async with store(redis.dsn) as kept:
        running = asyncio.create_task(kept.run())
        try:
            async with asyncio.timeout(20):
                while not kept.health().ready:
                    await asyncio.sleep(0.01)
                await redis.kill()
                while kept.health().ready:
                    await asyncio.sleep(0.05)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@given(st.dictionaries(st.binary(max_size=8), st.binary(max_size=20), max_size=8))
def test_no_entry_is_beyond_reading(fields):
    assert isinstance(letter_of("5-1", fields), DeadLetter)


@given(st.text(), st.binary(), st.integers(0, 10**9), st.none() | st.text())
def test_every_letter_survives_its_fields(text, payload, number, reason):
    given_letter = letter(number, error=text, payload=payload, event_reason=reason)
    assert letter_of("5-1", fields_of(given_letter)) == given_letter
