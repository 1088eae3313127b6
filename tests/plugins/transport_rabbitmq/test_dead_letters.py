"""The dead-letter queue as a store, and sending its letters again."""

import pytest
from tests.plugins.transport_rabbitmq.harness import DEAD, body, declare_with, running, until

from gatewright import DeadLetter
from gatewright_rabbitmq_kit import Refused

pytestmark = pytest.mark.anyio


async def test_letters_are_read_sent_again_marked_and_removed(rabbitmq, backend):
    async with running(rabbitmq.dsn) as node:
        await backend.publish_raw(b"first", message_id="m1")
        await backend.publish_raw(b"second")
        await backend.letters(2)
        store = node.transport.dead_letters()

        first, second = await store.read()
        assert (first.letter.id, first.letter.payload, first.state) == ("m1", b"first", "new")
        assert (first.letter.kind, first.letter.target) == ("publication", "rabbitmq")
        assert first.letter.reason == "parse_error"
        assert first.letter.last_at > 0
        assert second.letter.id

        await node.transport.resend(
            DeadLetter(id="m9", kind="publication", target="rabbitmq", reason="x", payload=body(9))
        )
        assert await node.hears(1) == [9]
        assert node.published[0].id == "m9"
        await store.mark(first.key, "redriven")
        assert [each.state for each in await store.read()] == ["redriven", "new"]
        assert await store.remove([first.key, "unknown"]) == 1
        await store.close()

        assert [(each.key, each.letter.payload) for each in await store.read()] == [
            (second.key, b"second")
        ]
        await store.close()
        (left,) = await backend.letters(1)
        assert tuple(left.header.properties.headers) == ("reason",)


async def test_letters_that_others_wrote_are_read_and_marked_too(rabbitmq, backend):
    elsewhere = {"queue": "other", "routing_key": "other"}  # what is published is not for it
    async with running(rabbitmq.dsn, wait=False, dead_letter_queue="ws.outbox", **elsewhere) as n:
        await backend.publish_raw(b"same", b"same", b"\xff")  # no id, no reason, twice
        store = n.transport.dead_letters()
        found = await store.read()
        assert [each.letter.payload for each in found] == [b"same", b"same", b"\xff"]
        assert [each.letter.id for each in found] == [each.key for each in found]
        assert len({each.key for each in found}) == 3
        await store.mark(found[1].key, "redriven")
        assert [each.state for each in await store.read()] == ["new", "redriven", "new"]
        await store.close()
        again = await store.read()
        assert {each.key: each.state for each in again} == {
            found[0].key: "new",
            found[1].key: "redriven",
            found[2].key: "new",
        }
        assert await store.remove([each.key for each in again]) == 3
        assert await store.read() == []


async def test_sending_again_needs_a_confirmation(rabbitmq, backend):
    async with backend.broker.session() as link:
        await declare_with(link, "full", x_max_length=0, x_overflow="reject-publish")
    async with running(rabbitmq.dsn, queue="full", exchange="full", routing_key="full") as node:
        await until(lambda: node.transport.health().ready)
        letter = DeadLetter(
            id="m9", kind="publication", target="rabbitmq", reason="x", payload=body(9)
        )
        with pytest.raises(Refused):
            await node.transport.resend(letter)
    assert await backend.waiting(DEAD) == 0
