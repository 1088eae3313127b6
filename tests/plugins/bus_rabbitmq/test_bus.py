"""Nodes over one exchange: each hears everything once, in order."""

from __future__ import annotations

import asyncio

import pytest
from aiormq.exceptions import ChannelLockedResource, ChannelPreconditionFailed
from tests.plugins.bus_rabbitmq.harness import channel, node, nodes, queue_exists
from tests.support.survival import eventually

from gatewright import BusUnavailable, Command, Publication

pytestmark = pytest.mark.anyio


async def test_every_node_hears_everything_once_and_in_the_order_of_each(rabbitmq):
    async with nodes(rabbitmq.dsn, 1, 1, 1) as made:

        async def publish(index):
            for number in range(100):
                await made[index].publish(index * 1000 + number)

        await asyncio.gather(*(publish(index) for index in range(3)))
        for each in made:
            await each.until(300)
            assert len(each.payloads) == 300
            for index in range(3):
                mine = [one for one in each.payloads if one // 1000 == index]
                assert mine == list(range(index * 1000, index * 1000 + 100))


async def test_many_at_once_keep_their_order_beyond_the_prefetch(rabbitmq):
    async with nodes(rabbitmq.dsn, 1, 1, prefetch=10) as (first, second):
        await asyncio.gather(*(first.publish(number) for number in range(2000)))
        for each in (first, second):
            await each.until(2000)
            assert each.payloads == list(range(2000))


async def test_a_payload_arrives_as_it_was(rabbitmq):
    payload = b'{"text":"' + b"\xc3\xa9" * 200_000 + b'"}'  # more than one frame
    async with nodes(rabbitmq.dsn, 1, 1) as (first, second):
        message = Publication(("a", "b"), payload, "id-1", "http")
        await first.bus.publish(message, count=True)
        assert second.given == [message]


async def test_the_count_adds_up_all_nodes(rabbitmq):
    async with nodes(rabbitmq.dsn, 2, 3) as (first, _):
        receipt = await first.publish(1, count=True)
        assert (receipt.sent, receipt.exact) == (5, True)


async def test_commands_reach_every_node(rabbitmq):
    async with nodes(rabbitmq.dsn, 1, 0) as made:
        receipt = await made[0].bus.publish(Command("disconnect", user_id="42"), count=True)
        assert receipt.sent == 1
        assert made[1].given == [Command("disconnect", user_id="42")]


async def test_what_others_publish_to_the_exchange_is_ignored_and_counted(rabbitmq):
    async with node(rabbitmq.dsn, "n") as only, channel(rabbitmq.dsn) as other:
        await other.basic_publish(b"", exchange="gatewright.bus")
        await other.basic_publish(b"\xff\x00nonsense", exchange="gatewright.bus")
        await only.publish(1)
        await only.until(1)
        assert only.payloads == [1]
        labels = {"reason": "malformed"}
        assert only.metrics.get_sample_value("gatewright_bus_ignored_total", labels) >= 1


async def test_a_second_process_with_a_nodes_id_is_red_by_name_and_publishes_nothing(rabbitmq):
    async with (
        nodes(rabbitmq.dsn, 1, 1) as (first, _),
        node(rabbitmq.dsn, "n0", wait=False) as double,
    ):

        async def told():
            return "node id 'n0'" in double.bus.health().detail

        await eventually(told, 20)
        for number in range(20):
            with pytest.raises(BusUnavailable):
                await double.publish(1000)
            await first.publish(number)
            assert await double.red()
        await first.until(20)
        assert first.payloads == list(range(20))  # nothing went to the double instead
        assert double.payloads == []
        assert await first.ready()
        held = "gatewright_bus_rabbitmq_queue_held_total"
        assert double.metrics.get_sample_value(held) > 0


async def test_the_second_process_takes_over_when_the_first_is_gone(rabbitmq):
    async with node(rabbitmq.dsn, "same") as first:
        double = node(rabbitmq.dsn, "same", wait=False)
        second = await double.__aenter__()
        await first.publish(1)
        await first.until(1)
    await eventually(second.ready, 30)
    await second.publish(2)
    await second.until(1)
    assert second.payloads == [2]
    await double.__aexit__(None, None, None)


async def test_what_a_former_life_left_is_not_given_to_the_next(rabbitmq):
    name = "gatewright.bus.n0"
    async with node(rabbitmq.dsn, "n1") as other:
        async with channel(rabbitmq.dsn) as left:  # as a killed node leaves it
            await left.queue_declare(name, durable=True, arguments={"x-expires": 60_000})
            await left.queue_bind(name, "gatewright.bus")
        await other.publish(1)
        async with node(rabbitmq.dsn, "n0") as reborn:
            await other.publish(2)
            await reborn.until(1)
            assert reborn.payloads == [2]


async def test_a_graceful_stop_leaves_no_queue(rabbitmq):
    async with node(rabbitmq.dsn, "n"):
        assert await queue_exists(rabbitmq.dsn, "gatewright.bus.n")
    assert not await queue_exists(rabbitmq.dsn, "gatewright.bus.n")


async def test_the_declarations_are_as_documented(rabbitmq):
    async with node(rabbitmq.dsn, "n", exchange="mine", expires_seconds=90):
        async with channel(rabbitmq.dsn) as other:
            await other.exchange_declare("mine", exchange_type="fanout", durable=True)
            await other.queue_declare("mine.n", durable=True, arguments={"x-expires": 90_000})
        async with channel(rabbitmq.dsn) as other:
            with pytest.raises(ChannelPreconditionFailed):
                await other.queue_declare("mine.n", durable=True)


async def test_an_exchange_of_another_type_is_named(rabbitmq):
    async with channel(rabbitmq.dsn) as other:
        await other.exchange_declare("gatewright.bus", exchange_type="direct", durable=True)
    async with node(rabbitmq.dsn, "n", wait=False) as only:

        async def told():
            return "exchange gatewright.bus exists with another type" in only.bus.health().detail

        await eventually(told, 20)
        with pytest.raises(BusUnavailable):
            await only.publish(1)
        assert await only.red()


async def test_an_exclusive_queue_of_somebody_is_named(rabbitmq):
    async with channel(rabbitmq.dsn) as other:
        await other.queue_declare("gatewright.bus.n", exclusive=True)
        async with node(rabbitmq.dsn, "n", wait=False) as only:

            async def told():
                return "queue gatewright.bus.n is exclusive" in only.bus.health().detail

            await eventually(told, 20)
            assert await only.red()
        with pytest.raises(ChannelLockedResource):
            async with channel(rabbitmq.dsn) as third:
                await third.queue_declare("gatewright.bus.n", passive=True)
