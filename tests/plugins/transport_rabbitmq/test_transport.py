"""Publications from a queue: contract, order, acknowledgement, standing by, draining."""

import asyncio
import json

import anyio
import pytest
from aiormq.exceptions import ChannelPreconditionFailed
from tests.plugins.transport_rabbitmq.harness import (
    DEAD,
    NAME,
    body,
    bound,
    declare_with,
    opened,
    publishing,
    running,
    until,
)

from gatewright import PublicationLimits, Receipt
from gatewright_rabbitmq_kit import Consumer, bind, use_exchange, use_queue

pytestmark = pytest.mark.anyio

POISON = {
    b"not json": "parse_error",
    b"[1, 2]": "parse_error",
    b'{"subjects": "user:42", "payload": 1}': "parse_error",
    b'{"subjects": [1], "payload": 1}': "parse_error",
    b'{"subjects": ["user:42"], "payload": NaN}': "parse_error",
    b'{"subjects": ["user:42"], "payload": "\\ud800"}': "parse_error",
    b'{"subjects": ["user:42"], "payload": "\xff\xfe"}': "parse_error",
    b"\xff\xfe\x00": "parse_error",
    b"": "parse_error",
    b'{"payload": ' + b"[" * 200_000 + b"]" * 200_000 + b"}": "parse_error",
    b'{"subjects": [], "payload": "' + b"x" * 2_000_000 + b'"}': "too_large",
}


async def test_publications_arrive_in_order_with_their_bytes_and_are_acknowledged(
    rabbitmq, backend
):
    async with running(rabbitmq.dsn) as node:
        await backend.publish(*range(1000))
        await backend.publish_raw(b'{"subjects":["a","b"], "payload": {"x":  1.50}, "trace": 1}')
        await until(lambda: len(node.published) == 1001)
        assert node.numbers[:1000] == list(range(1000))
        last = node.published[-1]
        assert (last.subjects, last.payload) == (("a", "b"), b'{"x":  1.50}')
        assert (last.id, last.source) == (None, "rabbitmq")
        await until(lambda: node.metric("messages_total") == 1001)
    assert await backend.waiting() == 0


async def test_the_message_id_is_the_publications_id_else_the_one_in_the_body(rabbitmq, backend):
    async with running(rabbitmq.dsn) as node:
        await backend.publish_raw(body(1, id="in-body"))
        await backend.publish_raw(body(2, id="in-body"), message_id="of-message")
        await node.hears(2)
        assert [each.id for each in node.published] == ["in-body", "of-message"]


async def test_everything_is_declared_as_publishers_do(rabbitmq, backend):
    async with running(rabbitmq.dsn):
        await backend.publish_raw(body(1))  # declares plainly: fails on anything declared otherwise


async def test_a_publisher_may_be_first(rabbitmq, backend):
    await backend.publish(1, 2, 3)
    async with running(rabbitmq.dsn) as node:
        assert await node.hears(3) == [1, 2, 3]


@pytest.mark.parametrize("slashes", ["", "/"])
async def test_a_dsn_with_and_without_last_slash_means_the_same(slashes, rabbitmq_server):
    async with (
        running(f"{rabbitmq_server.dsn.rstrip('/')}{slashes}", dead_letter_queue="other") as node,
        publishing(rabbitmq_server.dsn) as backend,
    ):
        await backend.publish(7)
        assert await node.hears(1) == [7]


async def test_row_14_a_queue_with_other_arguments_is_used_as_it_is(rabbitmq, backend):
    async with backend.broker.session() as link:
        await declare_with(link, NAME, x_max_length=1000)
        with pytest.raises(ChannelPreconditionFailed):
            async with link.passing_channel() as channel:
                await channel.queue_declare(NAME, durable=True)
        async with running(rabbitmq.dsn) as node:
            channel = await link.channel()
            await channel.basic_publish(body(5), exchange=NAME, routing_key=NAME)
            assert await node.hears(1) == [5]
            await channel.close()


async def test_row_14_an_exchange_of_another_type_is_an_error_that_names_it(rabbitmq, backend):
    async with backend.broker.session() as link:
        async with link.passing_channel() as channel:
            await channel.exchange_declare(NAME, exchange_type="fanout", durable=True)
        async with running(rabbitmq.dsn, wait=False) as node:
            await until(lambda: f"exchange {NAME} exists with another type" in node.detail)
            assert not node.transport.health().ready
            async with link.passing_channel() as channel:
                await channel.exchange_delete(NAME)
            await node.holds()


async def test_row_14_somebodys_exclusive_queue_is_an_error_that_names_it(rabbitmq, backend):
    async with running(rabbitmq.dsn, wait=False, queue="mine") as node:
        await node.holds()
        async with backend.broker.session() as link:
            async with link.passing_channel() as channel:
                await channel.queue_declare("theirs", exclusive=True)
            async with running(rabbitmq.dsn, wait=False, queue="theirs") as other:
                await until(lambda: "queue theirs is exclusive to another" in other.detail)
                assert not other.transport.health().ready
        assert node.transport.health().ready


async def test_row_14_one_node_holds_the_queue_and_the_others_stand_by(rabbitmq, backend):
    async with (
        running(rabbitmq.dsn, node_id="gw-1") as first,
        running(rabbitmq.dsn, node_id="gw-2", wait=False) as second,
    ):
        await second.stands_by()
        assert second.transport.health().ready
        assert NAME in second.detail
        assert second.metric("holding") == 0
        await backend.publish(*range(300))
        assert await first.hears(300) == list(range(300))
        await first.stop()
        await second.holds()
        await backend.publish(*range(300, 600))
        assert await second.hears(300) == list(range(300, 600))
        assert second.detail == ""


async def test_a_foreign_exclusive_consumer_is_standby_too(rabbitmq, backend):
    async with backend.broker.session() as link:
        await bound(link)
        await Consumer.open(link, NAME, prefetch=1, exclusive=True)
        async with running(rabbitmq.dsn, wait=False) as node:
            await node.stands_by()


async def test_shared_lets_all_nodes_take(rabbitmq, backend):
    async with (
        running(rabbitmq.dsn, node_id="gw-1", consume="shared", prefetch=1) as first,
        running(rabbitmq.dsn, node_id="gw-2", consume="shared", prefetch=1) as second,
    ):
        await backend.publish(*range(200))
        await until(lambda: len(first.published) + len(second.published) >= 200)
        assert sorted(first.numbers + second.numbers) == list(range(200))
        assert first.published
        assert second.published


async def test_row_15_poison_goes_to_the_dead_letters_and_the_next_is_unaffected(rabbitmq, backend):
    async with running(rabbitmq.dsn) as node:
        for number, poison in enumerate(POISON):
            await backend.publish_raw(poison)
            await backend.publish(number)
        assert await node.hears(len(POISON)) == list(range(len(POISON)))
        await until(lambda: node.metric("invalid_total", reason="too_large") == 1)
        letters = await backend.letters(len(POISON))
        assert {each.body: each.header.properties.headers["reason"] for each in letters} == POISON
        assert {each.header.properties.delivery_mode for each in letters} == {2}
        assert {tuple(each.header.properties.headers) for each in letters} == {("reason",)}
    assert await backend.waiting() == 0


async def test_an_existing_dead_letter_queue_is_used_as_it_is(rabbitmq, backend):
    async with backend.broker.session() as link:
        await declare_with(link, DEAD, x_max_length=10)
    async with running(rabbitmq.dsn):
        await backend.publish_raw(b"broken", message_id="b1")
        (letter,) = await backend.letters(1)
        assert (letter.body, letter.header.properties.message_id) == (b"broken", "b1")


async def test_row_16_what_the_dead_letter_queue_refuses_stays_unacknowledged(rabbitmq, backend):
    async with backend.broker.session() as link:
        await declare_with(link, DEAD, x_max_length=0, x_overflow="reject-publish")
        async with running(rabbitmq.dsn) as node:
            await backend.publish_raw(b"one", body(1), b"two", body(2))
            assert await node.hears(2) == [1, 2]  # nothing is held up behind it
            await until(lambda: "2 dead letters cannot be written" in node.detail)
            assert node.transport.health().ready
            assert node.metric("dead_letter_failures_total") >= 1
        assert await backend.waiting() == 2  # given back, not lost; the others were acknowledged
        async with link.passing_channel() as channel:
            await channel.queue_delete(DEAD)
        async with running(rabbitmq.dsn) as node:
            assert [each.body for each in await backend.letters(2)] == [b"one", b"two"]
    assert await backend.waiting() == 0


async def test_row_16_a_dead_letter_queue_that_is_mended_gets_everything_once(rabbitmq, backend):
    async with backend.broker.session() as link:
        await declare_with(link, DEAD, x_max_length=0, x_overflow="reject-publish")
        async with running(rabbitmq.dsn) as node:
            await backend.publish_raw(*(b"broken %d" % each for each in range(20)))
            await until(lambda: "20 dead letters" in node.detail)
            async with link.passing_channel() as channel:
                await channel.queue_delete(DEAD)
            letters = await backend.letters(20)
            assert [each.body for each in letters] == [b"broken %d" % each for each in range(20)]
            await until(lambda: node.detail == "")
            assert "dead letters are written again" in node.logged
    assert await backend.waiting() == 0


async def test_a_bus_that_is_away_delays_and_loses_nothing(rabbitmq, backend):
    async with running(rabbitmq.dsn) as node:
        node.bus_away = True
        await backend.publish(*range(10))
        await until(lambda: "bus" in node.detail)
        await asyncio.sleep(0.3)
        assert node.published == []
        node.bus_away = False
        assert await node.hears(10) == list(range(10))
        assert node.detail == ""


async def test_being_cancelled_finishes_acknowledges_and_gives_back_the_rest(rabbitmq, backend):
    async with opened(rabbitmq.dsn) as node, publishing(rabbitmq.dsn):
        node.pace = 0.05
        node.start()
        await node.holds()
        await backend.publish(*range(100))
        await until(lambda: len(node.published) >= 5)
        await node.stop()
        taken = len(node.published)
        assert node.numbers == list(range(taken))
        assert await backend.waiting() == 100 - taken
        node.pace = 0
        node.start()
        assert await node.hears(100) == list(range(100))
        await node.stop()
    assert await backend.waiting() == 0


async def test_being_cancelled_while_the_bus_is_away_gives_everything_back(rabbitmq, backend):
    async with running(rabbitmq.dsn) as node:
        node.bus_away = True
        await backend.publish(1, 2, 3)
        await until(lambda: "bus" in node.detail)
        with anyio.fail_after(5):
            await node.stop()
    assert await backend.waiting() == 3


async def test_publish_that_breaks_its_promise_ends_run_and_loses_nothing(rabbitmq, backend):
    async with opened(rabbitmq.dsn) as node:

        async def broken(publication, *, count=True):
            if json.loads(publication.payload) == 2:
                raise ZeroDivisionError
            node.published.append(publication)
            return Receipt(None)

        await backend.publish(1, 2, 3)
        with pytest.raises(ZeroDivisionError):
            await node.transport.run(broken)
        node.start()
        assert await node.hears(3) == [1, 2, 3]  # 1 was handled: recognised where it comes again
        await node.stop()


async def test_limits_are_the_gateways(rabbitmq, backend):
    limits = PublicationLimits(max_bytes=1000, max_subjects=1)
    async with running(rabbitmq.dsn, limits=limits):
        await backend.publish_raw(json.dumps({"subjects": ["a", "b"]}).encode())
        (letter,) = await backend.letters(1)
        assert letter.header.properties.headers["reason"] == "too_large"


async def test_without_the_right_to_bind_an_existing_binding_serves(rabbitmq, rabbitmq_server):
    async with publishing(rabbitmq.dsn) as backend:
        async with backend.broker.session() as link:
            await use_exchange(link, NAME)
            await use_queue(link, NAME)
            await bind(link, queue=NAME, exchange=NAME, routing_key=NAME)
        await rabbitmq_server.ctl(
            "eval",
            'rabbit_auth_backend_internal:add_user(<<"reader">>, <<"reader">>, <<"test">>), '
            f'rabbit_auth_backend_internal:set_permissions(<<"reader">>, <<"{rabbitmq.name}">>, '
            '<<"^$">>, <<"^$">>, <<"^ws.outbox$">>, <<"test">>).',
        )
        async with running(rabbitmq.dsn.replace("guest:guest", "reader:reader")) as node:
            await backend.publish(1)
            assert await node.hears(1) == [1]
            assert "no permission to bind" in node.detail
