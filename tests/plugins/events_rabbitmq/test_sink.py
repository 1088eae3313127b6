"""Events in a real RabbitMQ, as the contract has them."""

from __future__ import annotations

import pytest
from tests.plugins.events_rabbitmq.harness import (
    NAME,
    channel,
    declared_by_a_backend,
    deliver,
    event,
    ids,
    is_ready,
    messages,
    named,
    running,
    running_sink,
    says,
    sink,
)

from gatewright import Done, Retry

pytestmark = pytest.mark.anyio


async def test_an_event_is_a_persistent_message_with_id_and_number_beside_the_body(rabbitmq):
    body = '{"type":"message_received","raw":"grüße"}'.encode()
    async with running_sink(rabbitmq.dsn) as open_sink:
        assert await open_sink.send([event("c", 7, body=body)]) == [Done()]
    (message,) = await messages(rabbitmq.dsn)
    assert message.body == body
    assert message.delivery.exchange == message.delivery.routing_key == "ws.events"
    assert {name: value for name, value in message.header.properties if value} == {
        "content_type": "application/json",
        "delivery_mode": 2,
        "message_id": "c-7",
        "headers": {"seq": 7},
    }


async def test_a_reason_stands_beside_and_an_event_without_number_has_none(rabbitmq):
    async with running_sink(rabbitmq.dsn) as open_sink:
        await open_sink.send([event("c", 0, kind="disconnected", reason="node_lost")])
    (message,) = await messages(rabbitmq.dsn)
    assert message.header.properties.headers == {"reason": "node_lost"}


async def test_a_batch_is_published_in_its_order(rabbitmq):
    async with running_sink(rabbitmq.dsn) as open_sink:
        outcomes = await open_sink.send([event(f"c{number}") for number in range(600)])
    assert outcomes == [Done()] * 600
    assert await ids(rabbitmq.dsn) == [f"c{number}-1" for number in range(600)]


async def test_a_large_body_arrives_whole(rabbitmq):
    body = b'"' + b"x" * 1_000_000 + b'"'
    async with running_sink(rabbitmq.dsn) as open_sink:
        assert await open_sink.send([event(body=body)]) == [Done()]
    (message,) = await messages(rabbitmq.dsn)
    assert message.body == body


async def test_a_backend_that_declares_later_finds_what_it_would_have_declared(rabbitmq):
    async with running_sink(rabbitmq.dsn) as open_sink:
        await open_sink.send([event("a")])
        async with channel(rabbitmq.dsn) as of:
            assert await declared_by_a_backend(of) == 1


async def test_a_backend_that_declared_before_is_joined(rabbitmq):
    async with channel(rabbitmq.dsn) as of:
        await declared_by_a_backend(of)
    async with running_sink(rabbitmq.dsn) as open_sink:
        assert await open_sink.send([event("a")]) == [Done()]
    assert await ids(rabbitmq.dsn) == ["a-1"]


async def test_a_queue_made_with_arguments_is_used_as_it_is_and_bound(rabbitmq):
    async with channel(rabbitmq.dsn) as of:
        arguments = named({"x_max_length": 1000, "x_queue_mode": "lazy"})
        await of.queue_declare(NAME, durable=True, arguments=arguments)
    async with running_sink(rabbitmq.dsn) as open_sink:
        assert await open_sink.send([event("a")]) == [Done()]
    assert await ids(rabbitmq.dsn) == ["a-1"]


async def test_an_exchange_that_is_not_durable_is_used_as_it_is(rabbitmq):
    async with channel(rabbitmq.dsn) as of:
        await of.exchange_declare(NAME, exchange_type="direct", durable=False)
    async with running_sink(rabbitmq.dsn) as open_sink:
        assert await open_sink.send([event("a")]) == [Done()]


async def test_an_exchange_of_another_type_is_named_and_used_once_it_is_gone(rabbitmq):
    async with channel(rabbitmq.dsn) as of, sink(rabbitmq.dsn) as open_sink:
        await of.exchange_declare(NAME, exchange_type="fanout", durable=True)
        async with running(open_sink):
            await says(open_sink, f"exchange {NAME} exists with another type than direct")
            (outcome,) = await open_sink.send([event("a")])
            assert outcome.error.startswith(f"not connected: exchange {NAME} exists")
            await of.exchange_delete(NAME)
            await is_ready(open_sink)
            assert await open_sink.send([event("a")]) == [Done()]


async def test_somebodys_exclusive_queue_is_named(rabbitmq):
    async with channel(rabbitmq.dsn) as of, sink(rabbitmq.dsn) as open_sink:
        await of.queue_declare(NAME, exclusive=True)
        async with running(open_sink):
            await says(open_sink, f"queue {NAME} is exclusive to another connection")
            (outcome,) = await open_sink.send([event("a")])
            assert isinstance(outcome, Retry)


async def test_a_type_may_have_a_route_of_its_own(rabbitmq):
    routes = {"message_received": {"queue": "ws.inbox"}, "disconnected": {"queue": ""}}
    async with running_sink(rabbitmq.dsn, routes=routes) as open_sink:
        batch = [event("a"), event("b", kind="connected"), event("d", kind="disconnected")]
        assert await open_sink.send(batch) == [Done()] * 3
    (message,) = await messages(rabbitmq.dsn, "ws.inbox")
    assert message.header.properties.message_id == "a-1"
    assert message.delivery.exchange == message.delivery.routing_key == "ws.inbox"
    assert await ids(rabbitmq.dsn) == ["b-1", "d-1"]


async def test_two_types_may_share_an_exchange_with_two_queues(rabbitmq):
    routes = {"message_received": {"exchange": "ws.events", "queue": "in", "routing_key": "in"}}
    async with running_sink(rabbitmq.dsn, routes=routes) as open_sink:
        await open_sink.send([event("a"), event("b", kind="connected")])
    assert await ids(rabbitmq.dsn, "in") == ["a-1"]
    assert await ids(rabbitmq.dsn) == ["b-1"]


async def test_without_a_connection_events_are_given_back_at_once_and_it_is_said_why():
    async with sink("amqp://guest:hidden@127.0.0.1:1/") as open_sink:
        assert open_sink.health().detail.endswith(": not connected yet")
        outcomes = await open_sink.send([event("a"), event("b")])
        assert [outcome.error[:20] for outcome in outcomes] == ["AMQPConnectionError:"] * 2
        async with running(open_sink):
            await says(open_sink, "127.0.0.1:1/: AMQPConnectionError")
            (outcome,) = await open_sink.send([event("a")])
    assert outcome.error.startswith("not connected: AMQPConnectionError")
    assert "hidden" not in outcome.error + open_sink.health().detail


async def test_a_queue_that_takes_no_more_gives_back_what_it_refused_and_nothing_else(rabbitmq):
    async with channel(rabbitmq.dsn) as of:
        await declared_by_a_backend(of, "full", x_max_length=1, x_overflow="reject-publish")
        routes = {"message_received": {"queue": "full"}}
        async with running_sink(rabbitmq.dsn, routes=routes) as open_sink:
            await deliver(open_sink, event("a"))
            kept, refused = await open_sink.send([event("b", kind="connected"), event("c")])
            assert kept == Done()
            assert isinstance(refused, Retry)
            assert "refused" in refused.error
            await of.queue_purge("full")
            await deliver(open_sink, event("c"))
    assert await ids(rabbitmq.dsn, "full") == ["c-1"]
