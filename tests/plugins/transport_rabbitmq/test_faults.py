"""A RabbitMQ that is away, killed, frozen, full or reconfigured: rows 9 to 13, numbered."""

import asyncio
import time
from collections.abc import AsyncIterator

import anyio
import pytest
from aiormq.exceptions import ChannelNotFoundEntity
from tests.plugins.transport_rabbitmq.harness import (
    DEAD,
    NAME,
    body,
    opened,
    publishing,
    running,
    until,
)

from gatewright.testing.brokers.rabbitmq_server import RabbitServer
from gatewright.testing.toxics import ToxicProxy
from gatewright_rabbitmq_kit import Message, NotConfirmed, persistent

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
async def own_server(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: object
) -> AsyncIterator[RabbitServer]:
    """A server that these tests may break; each leaves it running."""
    async with RabbitServer.start(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture
async def server(own_server: RabbitServer) -> AsyncIterator[RabbitServer]:
    """The same, empty again afterwards."""
    yield own_server
    async with publishing(own_server.dsn) as backend, backend.broker.session() as link:
        for queue in (NAME, DEAD):
            async with link.passing_channel() as channel:
                await channel.queue_delete(queue)


def unique(numbers: list[int]) -> list[int]:
    return list(dict.fromkeys(numbers))


async def test_down_at_start_delivers_soon_after_the_broker_arrives(server):
    await server.kill()
    async with running(server.dsn, wait=False) as node:
        await until(lambda: "Connect" in node.detail)
        assert not node.transport.health().ready
        assert f"127.0.0.1:{server.port}" in node.detail
        await server.boot()
        async with publishing(server.dsn) as backend:
            await backend.publish(*range(100))
            arrived = time.monotonic()
            assert await node.hears(100) == list(range(100))
            assert time.monotonic() - arrived < 10
            assert node.transport.health().ready
            assert node.logged.count("rabbitmq is away") == 1
            assert node.metric("outages_total") == 1


async def test_row_9_killed_in_the_middle(server):
    async with running(server.dsn) as node, publishing(server.dsn) as backend:
        node.pace = 0.001

        async def publish() -> None:
            for number in range(600):
                await backend.publish_surely(number)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(publish)
            await until(lambda: len(node.published) >= 200)
            await server.restart()
        await until(lambda: 599 in node.numbers)
        ids = [each.id for each in node.published]
        assert list(dict.fromkeys(ids)) == [f"n{number}" for number in range(600)]
        assert node.metric("outages_total") >= 1
    async with publishing(server.dsn) as backend:
        assert await backend.waiting() == 0


async def test_row_9_killed_in_the_middle_of_messages_without_ids(server):
    async with running(server.dsn, prefetch=100) as node, publishing(server.dsn) as backend:
        node.bus_away = True
        await backend.publish(*range(300))
        node.pace = 0.01
        node.bus_away = False
        await until(lambda: len(node.published) >= 140)
        await server.restart()
        node.pace = 0
        await until(lambda: 299 in node.numbers)
        assert unique(node.numbers) == list(range(300))
        # A broker that is killed forgets acknowledgements that it had not written yet.
        again = node.metric("redelivered_total") - node.metric("duplicates_total")
        assert len(node.published) - 300 <= again


async def test_what_was_published_and_not_acknowledged_comes_once_even_without_ids(server):
    async with (
        ToxicProxy.to("127.0.0.1", server.port) as proxy,
        running(f"amqp://guest:guest@127.0.0.1:{proxy.port}/", prefetch=100) as node,
        publishing(server.dsn) as backend,
    ):
        node.bus_away = True
        await backend.publish(*range(300))
        node.pace = 0.01
        node.bus_away = False
        for at in (40, 110, 200):
            await until(lambda: len(node.published) >= at)  # noqa: B023
            proxy.reset()
        assert await node.hears(300) == list(range(300))
        assert node.metric("redelivered_total") > node.metric("duplicates_total") > 0
        assert node.metric("outages_total") == 3


async def test_row_9_another_node_takes_over_from_one_that_dies(server):
    async with (
        ToxicProxy.to("127.0.0.1", server.port) as proxy,
        opened(f"amqp://guest:guest@127.0.0.1:{proxy.port}/", node_id="gw-1") as first,
        running(server.dsn, node_id="gw-2", wait=False) as second,
        publishing(server.dsn) as backend,
    ):
        await second.holds()
        await second.stop()
        first.start()
        await first.holds()
        second.start()
        await second.stands_by()
        first.pace = 0.02
        await backend.publish(*range(300))
        await until(lambda: len(first.published) >= 50)
        proxy.cut()  # as the node's death looks to the broker
        assert first.task is not None
        died = time.monotonic()
        await second.holds()
        assert time.monotonic() - died < 5
        await until(lambda: 299 in second.numbers)
        await first.stop()
        together = first.numbers + second.numbers
        assert unique(together) == list(range(300))
        assert second.numbers == list(range(second.numbers[0], 300))
        assert second.metric("redelivered_total") >= len(together) - 300


async def test_row_10_frozen_is_noticed_and_everything_is_built_anew(server):
    async with running(server.dsn) as node, publishing(server.dsn) as backend:
        await backend.publish(*range(100))
        await node.hears(100)
        server.freeze()
        try:
            await until(lambda: not node.transport.health().ready)
            with pytest.raises((NotConfirmed, OSError)):
                await backend.publisher.publish(
                    _message(100), seconds=1
                )  # unknown: it may be delivered later
            with anyio.fail_after(12):
                await node.stop()  # bounded, frozen or not
            node.start()
        finally:
            server.thaw()
        await node.holds()
        for number in range(100, 200):
            await backend.publish_surely(number)
        await until(lambda: 199 in node.numbers)
        assert unique(node.numbers) == list(range(200))
        assert {each.id for each in node.published if each.id} == {
            f"n{number}" for number in range(100, 200)
        }


def _message(number: int) -> Message:
    return Message(body(number), NAME, NAME, persistent(message_id=f"n{number}"))


async def test_row_11_a_memory_alarm_stops_no_consuming_and_loses_no_dead_letter(server):
    async with running(server.dsn) as node, publishing(server.dsn) as backend:
        await backend.publish(*range(20))
        await node.hears(20)
        node.bus_away = True
        await backend.publish(*range(20, 40))
        await backend.publish_raw(b"broken")
        await until(lambda: "bus" in node.detail)
        await server.ctl("set_vm_memory_high_watermark", "0.00001")
        try:
            node.bus_away = False
            assert await node.hears(40) == list(range(40))
            await until(lambda: "dead letters cannot be written" in node.detail)
            assert node.transport.health().ready
        finally:
            await server.ctl("set_vm_memory_high_watermark", "0.6")
        letters = await backend.letters(1)
        assert {each.body for each in letters} == {b"broken"}
        assert len({each.header.properties.message_id for each in letters}) == 1
        await until(lambda: node.detail == "")


async def test_row_12_a_deleted_queue_is_made_again_within_a_second(server):
    async with running(server.dsn) as node, publishing(server.dsn) as backend:
        await backend.publish(*range(50))
        await node.hears(50)
        async with backend.broker.session() as link:
            async with link.passing_channel() as channel:
                await channel.queue_delete(NAME)
            deleted = time.monotonic()
            await until(lambda: "the queue was deleted; making it again" in node.logged)
            await node.holds()
            while True:
                try:
                    async with link.passing_channel() as channel:
                        answer = await channel.queue_declare(NAME, passive=True)
                    if answer.consumer_count:
                        break
                except ChannelNotFoundEntity:
                    await asyncio.sleep(0.02)
            assert time.monotonic() - deleted < 3
            channel = await link.channel(confirms=True)  # a publisher that declares nothing
            for number in range(50, 100):
                message = _message(number)
                await channel.basic_publish(
                    message.body, exchange=NAME, routing_key=NAME, mandatory=True
                )
        assert await node.hears(100) == list(range(100))
        assert node.metric("queue_losses_total") == 1
        assert node.metric("outages_total") == 0


async def test_row_12_what_was_fetched_from_a_deleted_queue_is_still_published(server):
    async with running(server.dsn, prefetch=50) as node, publishing(server.dsn) as backend:
        node.pace = 0.02
        await backend.publish(*range(40))
        await until(lambda: len(node.published) >= 5)
        async with (
            backend.broker.session() as link,
            link.passing_channel() as channel,
        ):
            await channel.queue_delete(NAME)
        assert await node.hears(40) == list(range(40))


async def test_row_13_a_deleted_exchange_is_made_again_and_bound(server):
    async with running(server.dsn) as node, publishing(server.dsn) as backend:
        await backend.publish(1)
        await node.hears(1)
        async with backend.broker.session() as link:
            async with link.passing_channel() as channel:
                await channel.exchange_delete(NAME)
            channel = await link.channel(confirms=True)
            with pytest.raises(ChannelNotFoundEntity):
                await channel.basic_publish(b"", exchange=NAME, routing_key=NAME)
            while True:
                try:
                    async with link.passing_channel() as channel:
                        await channel.exchange_declare(NAME, passive=True)
                    break
                except ChannelNotFoundEntity:
                    await asyncio.sleep(0.1)
        await backend.publish(2)
        assert await node.hears(2) == [1, 2]
        assert node.transport.health().ready
        assert node.metric("outages_total") == 0


async def test_a_connection_that_stalls_is_dropped_and_nothing_is_lost(server):
    async with (
        ToxicProxy.to("127.0.0.1", server.port) as proxy,
        running(f"amqp://guest:guest@127.0.0.1:{proxy.port}/") as node,
        publishing(server.dsn) as backend,
    ):
        await backend.publish(*range(100))
        await node.hears(100)
        proxy.stall()
        await until(lambda: not node.transport.health().ready)
        await backend.publish(*range(100, 200))
        proxy.heal()
        assert await node.hears(200) == list(range(200))
