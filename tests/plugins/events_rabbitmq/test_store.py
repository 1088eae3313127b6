"""Dead letters in a real RabbitMQ."""

from __future__ import annotations

import asyncio

import pytest
from aiormq.abc import DeliveredMessage
from hypothesis import given
from hypothesis import strategies as st
from pamqp.commands import Basic
from pamqp.header import ContentHeader
from tests.plugins.events_rabbitmq.harness import (
    channel,
    is_ready,
    letter,
    messages,
    named,
    running,
    store,
)

from gatewright import DeadLetter
from gatewright_events_rabbitmq.letters import EventLetters
from gatewright_rabbitmq_kit import UNAVAILABLE

pytestmark = pytest.mark.anyio

QUEUE = "ws.events.dlq"


def delivered(body, properties):
    return DeliveredMessage(
        delivery=Basic.GetOk(), header=ContentHeader(properties=properties), body=body, channel=None
    )


async def test_letters_come_back_as_they_were_in_the_order_of_writing(rabbitmq):
    letters = [letter(number, event_reason="node_lost") for number in range(1, 6)]
    letters.append(letter(6, payload=b"\xff\x00", kind="publication", id=""))
    letters.append(letter(7, id="x" * 300, user_id="u" * 512, error=""))
    async with store(rabbitmq.dsn) as kept:
        await kept.put(letters)
        found = await kept.read()
    assert [each.letter for each in found] == letters
    assert {each.state for each in found} == {"new"}
    assert [each.key for each in found] == sorted(each.key for each in found)


async def test_a_letter_is_a_persistent_message_with_all_it_is_beside_its_bytes(rabbitmq):
    async with store(rabbitmq.dsn) as kept:
        await kept.put([letter(7)])
    (message,) = await messages(rabbitmq.dsn, QUEUE)
    properties = message.header.properties
    assert message.body == b'{"n":7}'
    assert (message.delivery.exchange, message.delivery.routing_key) == ("", QUEUE)
    assert (properties.delivery_mode, properties.message_id) == (2, "c-7")
    assert {name: properties.headers[name] for name in ("kind", "target", "reason", "seq")} == {
        "kind": "event",
        "target": "webhook",
        "reason": "attempts",
        "seq": 7,
    }


async def test_the_queue_is_declared_as_anybody_would_and_used_as_it_is(rabbitmq):
    async with store(rabbitmq.dsn) as kept, channel(rabbitmq.dsn) as of:
        await kept.put([letter(1)])
        assert (await of.queue_declare(QUEUE, durable=True)).message_count == 1
        await of.queue_declare("other", durable=True, arguments=named({"x_max_length": 10}))
        async with store(rabbitmq.dsn, queue="other") as another:
            await another.put([letter(2)])
            assert [each.letter.seq for each in await another.read()] == [2]


async def test_reading_goes_on_after_a_key_and_takes_nothing_out(rabbitmq):
    async with store(rabbitmq.dsn) as kept:
        await kept.put([letter(number) for number in range(1, 8)])
        first = await kept.read(limit=3)
        rest = await kept.read(after=first[-1].key)
    assert [each.letter.seq for each in [*first, *rest]] == [1, 2, 3, 4, 5, 6, 7]
    async with store(rabbitmq.dsn) as again:
        assert [each.key for each in await again.read()] == [each.key for each in [*first, *rest]]
        assert await again.read(after="nonsense") == ()


async def test_marks_and_removals_hold_and_unknown_keys_are_no_error(rabbitmq):
    async with store(rabbitmq.dsn) as kept:
        await kept.put([letter(1), letter(2), letter(3)])
        one, two, three = await kept.read()
        await kept.mark(one.key, "redriven")
        await kept.mark("nonsense", "redriven")
        assert [each.state for each in await kept.read()] == ["redriven", "new", "new"]
        assert await kept.remove([two.key, "nonsense"]) == 1
        assert [each.key for each in await kept.read()] == [one.key, three.key]
    async with store(rabbitmq.dsn) as again:
        found = {each.letter.id: each for each in await again.read()}
        assert {name: each.state for name, each in found.items()} == {
            "c-1": "redriven",
            "c-3": "new",
        }
        assert found["c-1"].key == one.key
        assert await again.remove([one.key, three.key]) == 2
        assert await again.read() == []


async def test_what_the_transports_wrote_can_be_read(rabbitmq):
    async with channel(rabbitmq.dsn) as of, store(rabbitmq.dsn, queue="ws.dlq") as kept:
        await of.queue_declare("ws.dlq", durable=True)
        properties = Basic.Properties(delivery_mode=2, headers={"reason": "parse_error"})
        await of.basic_publish(b"\xffbroken", routing_key="ws.dlq", properties=properties)
        await of.basic_publish(b"bare", routing_key="ws.dlq")
        found = await kept.read()
    assert [(each.letter.reason, each.letter.payload) for each in found] == [
        ("parse_error", b"\xffbroken"),
        ("", b"bare"),
    ]
    assert {each.letter.kind for each in found} == {"publication"}
    assert all(each.letter.id for each in found)


async def test_a_queue_that_takes_no_more_raises_so_that_the_local_file_takes_the_letters(rabbitmq):
    async with channel(rabbitmq.dsn) as of, store(rabbitmq.dsn) as kept:
        arguments = named({"x_max_length": 1, "x_overflow": "reject-publish"})
        await of.queue_declare(QUEUE, durable=True, arguments=arguments)
        await kept.put([letter(1)])
        with pytest.raises(UNAVAILABLE):
            await kept.put([letter(2), letter(3)])


async def test_a_queue_deleted_under_way_raises_once_and_is_declared_again(rabbitmq):
    async with channel(rabbitmq.dsn) as of, store(rabbitmq.dsn) as kept:
        await kept.put([letter(1)])
        await of.queue_delete(QUEUE)
        with pytest.raises(UNAVAILABLE):
            await kept.put([letter(2)])
        await kept.put([letter(2)])
    assert [each.body for each in await messages(rabbitmq.dsn, QUEUE)] == [b'{"n":2}']


async def test_no_broker_raises_and_is_said(rabbitmq):
    async with store("amqp://guest:hidden@127.0.0.1:1/") as kept:
        for call in (kept.put([letter(1)]), kept.read(), kept.remove(["1"])):
            with pytest.raises(UNAVAILABLE):
                await call
        async with running(kept):
            async with asyncio.timeout(30):
                while "AMQPConnectionError" not in kept.health().detail:
                    await asyncio.sleep(0.02)
            assert not kept.health().ready
            assert "hidden" not in kept.health().detail


async def test_letters_survive_a_killed_broker_and_ready_follows_it(victim):
    async with store(victim.dsn) as kept, running(kept):
        await kept.put([letter(1), letter(2)])
        await is_ready(kept)
        await victim.kill()
        await is_ready(kept, ready=False)
        with pytest.raises(UNAVAILABLE):
            await kept.put([letter(3)])
        await victim.restart()
        await is_ready(kept)
        await kept.put([letter(4)])
        assert [each.letter.seq for each in await kept.read()] == [1, 2, 4]


async def test_a_frozen_broker_raises_about_when_the_core_gives_up(victim):
    async with store(victim.dsn, queue="frozen") as kept, running(kept):
        await kept.put([letter(1)])
        await is_ready(kept)
        victim.freeze()
        try:
            async with asyncio.timeout(15):
                with pytest.raises(UNAVAILABLE):
                    await kept.put([letter(5)])
                await is_ready(kept, ready=False)
        finally:
            victim.thaw()
        await is_ready(kept)


async def test_health_tells_how_many_letters_wait(rabbitmq):
    async with store(rabbitmq.dsn) as kept:
        await kept.put([letter(1), letter(2)])
        async with running(kept):
            await is_ready(kept)
            assert kept.health().facts["letters"] == 2


@given(
    st.dictionaries(
        st.text(max_size=8)
        | st.sampled_from(["kind", "seq", "first_at", "id", "attempts", "error", "event_reason"]),
        st.text(max_size=8) | st.integers(-1, 9) | st.floats() | st.none() | st.booleans(),
        max_size=8,
    ),
    st.binary(max_size=20),
)
def test_no_message_is_beyond_reading(headers, body):
    message = delivered(body, Basic.Properties(headers=headers))
    found = EventLetters().decode(message, "key")
    assert isinstance(found, DeadLetter)
    assert found.payload == body


@given(
    st.text(max_size=300),
    st.text(max_size=300),
    st.binary(),
    st.integers(0, 10**9),
    st.none() | st.text(),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_every_letter_survives_its_properties(identity, text, payload, number, reason, at):
    given_letter = letter(
        number, id=identity, error=text, payload=payload, event_reason=reason, first_at=at
    )
    body, properties = EventLetters().encode(given_letter)
    properties.marshal()
    assert EventLetters().decode(delivered(body, properties), "key") == given_letter


def test_a_lone_surrogate_does_not_keep_a_letter_from_being_written():
    _, properties = EventLetters().encode(letter(id="\ud800", error="\ud800"))
    assert (properties.message_id, properties.headers["error"]) == ("\\ud800", "\\ud800")
