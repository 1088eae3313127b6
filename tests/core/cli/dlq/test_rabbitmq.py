"""The commands on a real RabbitMQ: the chosen store, and what the transport keeps itself."""

from __future__ import annotations

import json
from functools import partial

import aio_pika
import anyio.to_thread
import pytest
from tests.core.cli.dlq.conftest import letter
from tests.plugins.events_rabbitmq.harness import store

from gatewright.testing.brokers.rabbitmq_server import RabbitServer

pytestmark = pytest.mark.anyio

CONFIG = """
auth: {anonymous: {}}
dead_letters: {rabbitmq: {dsn: "DSN"}}
events: {rabbitmq: {dsn: "DSN"}}
transports: {rabbitmq: {dsn: "DSN"}}
"""


@pytest.fixture
def run(tmp_path, gatewright):
    """Run a command on a server, beside the test's own loop."""

    async def run(server, *arguments):
        (tmp_path / "gateway.yaml").write_text(CONFIG.replace("DSN", server.dsn))
        return await anyio.to_thread.run_sync(partial(gatewright, "dlq", *arguments))

    return run


def event_letter(number):
    return letter(number, target="rabbitmq")


async def waiting(server, queue):
    """Take all messages of a queue."""
    async with await aio_pika.connect(server.dsn) as connection:
        source = await (await connection.channel()).declare_queue(queue, durable=True)
        found = []
        while (message := await source.get(no_ack=True, fail=False)) is not None:
            found.append(message)
        return found


async def test_events_in_the_store_go_to_their_queue_with_their_ids(rabbitmq, run):
    async with store(rabbitmq.dsn, queue="ws.events.dlq") as kept:
        await kept.put([event_letter(1), event_letter(2)])

    listed = await run(rabbitmq, "list", "--json")
    done = await run(rabbitmq, "redrive", "--all")
    again = await run(rabbitmq, "redrive", "--all")
    marked = await run(rabbitmq, "list", "--state", "redriven", "--json")

    assert [json.loads(line)["id"] for line in listed.out.splitlines()] == ["e1", "e2"]
    assert (done.code, done.out, done.err) == (0, "2 redriven, 0 failed\n", "")
    assert again.out == "0 redriven, 0 failed\n"
    messages = await waiting(rabbitmq, "ws.events")
    assert [(one.message_id, one.headers["seq"]) for one in messages] == [("e1", 1), ("e2", 2)]
    keys = [json.loads(line)["key"] for line in marked.out.splitlines()]
    dropped = await run(rabbitmq, "drop", *keys, "--yes")
    assert dropped.out == "removed 2 dead letters\n"
    assert await waiting(rabbitmq, "ws.events.dlq") == []


async def test_what_the_transport_rejected_goes_back_to_its_queue_byte_for_byte(rabbitmq, run):
    raw = b'{"subjects":["user:42"], "payload" : 1.0 \xff'
    async with await aio_pika.connect(rabbitmq.dsn) as connection:
        channel = await connection.channel()
        await channel.declare_queue("ws.dlq", durable=True)
        poison = aio_pika.Message(raw, headers={"reason": "parse_error"})
        await channel.default_exchange.publish(poison, "ws.dlq")

    listed = await run(rabbitmq, "list", "--from", "transports.rabbitmq", "--json")
    done = await run(rabbitmq, "redrive", "--all", "--from", "rabbitmq")
    after = await run(rabbitmq, "list", "--from", "rabbitmq", "--state", "redriven", "--json")

    assert json.loads(listed.out)["reason"] == "parse_error"
    assert (done.code, done.out, done.err) == (0, "1 redriven, 0 failed\n", "")
    assert [one.body for one in await waiting(rabbitmq, "ws.outbox")] == [raw]
    assert json.loads(after.out)["target"] == "rabbitmq"
    dropped = await run(rabbitmq, "drop", "--all", "--yes", "--from", "rabbitmq")
    assert dropped.out == "removed 1 dead letter\n"
    assert await waiting(rabbitmq, "ws.dlq") == []


@pytest.mark.timeout(120)
async def test_a_rabbitmq_that_is_away_is_one_line_and_costs_no_letter(tmp_path, run):
    async with RabbitServer.start(tmp_path / "server") as server:
        async with store(server.dsn, queue="ws.events.dlq") as kept:
            await kept.put([event_letter(1)])
        await server.kill()

        refused = await run(server, "redrive", "--all")

        assert refused.code != 0
        assert len(refused.err.splitlines()) == 1
        assert "Traceback" not in refused.err
        await server.restart()
        assert (await run(server, "redrive", "--all")).out == "1 redriven, 0 failed\n"
