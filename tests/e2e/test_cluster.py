"""Several nodes are as one: whoever is connected wherever hears everything exactly once."""

from __future__ import annotations

import json

import pytest
from redis.asyncio import Redis
from tests.support.cluster import Listener, backend, cluster, sections
from tests.support.gateway import API_KEY, gateway
from tests.support.survival import eventually

pytestmark = pytest.mark.anyio

MESSAGES = 200


@pytest.mark.parametrize("transport", ["http", "redis_stream", "rabbitmq"])
async def test_everybody_hears_everything_once_and_in_order(two, transport):
    async with (
        Listener(two.nodes["a"], "42") as here,
        Listener(two.nodes["b"], "42") as there,
        backend(transport, two) as publisher,
    ):
        for number in range(MESSAGES):
            await publisher.publish(number, "user:42", "room:unknown")
        await here.until_heard(MESSAGES - 1)
        await there.until_heard(MESSAGES - 1)
        assert here.heard == list(range(MESSAGES))
        assert there.heard == list(range(MESSAGES))


async def test_the_number_reached_counts_all_nodes(two):
    async with (
        Listener(two.nodes["a"], "42"),
        Listener(two.nodes["b"], "42"),
        backend("http", two) as publisher,
    ):
        for _ in range(4):
            answer = await publisher.publish("hello", "user:42")
            assert answer.json() == {"sent": 2}
            assert answer.headers["X-Gatewright-Sent"] == "exact"


async def test_an_id_is_taken_once_whichever_node_it_came_to(two):
    async with Listener(two.nodes["b"], "42") as client, backend("http", two) as publisher:
        for _ in range(3):
            answer = await publisher.publish("once", "user:42", id="a")
            assert answer.json() == {"sent": 1}
        await publisher.publish("last", "user:42")
        await client.until_heard("last")
        assert client.heard == ["once", "last"]


async def test_presence_answers_for_all_nodes(two):
    async with Listener(two.nodes["a"], "42"), Listener(two.nodes["b"], "42"):
        for running in two.nodes.values():

            async def both(running=running):
                path = "/internal/users/42/connections"
                answer = await running.get(path, headers={"X-Api-Key": API_KEY})
                return len(answer.json()["connections"]) == 2

            await eventually(both)


async def test_broken_entries_become_dead_letters_once_for_all_nodes(two):
    async with Redis.from_url(two.redis.dsn) as client, backend("redis_stream", two) as publisher:
        async with Listener(two.nodes["a"], "42") as here, Listener(two.nodes["b"], "42") as there:
            for number in range(50):
                await client.xadd("ws.outbox", {"data": f"broken {number}"})
            await publisher.publish("after", "user:42")
            await here.until_heard("after")
            await there.until_heard("after")

            async def all_there():
                return await client.xlen("ws.dlq") >= 50

            await eventually(all_there)
            letters = await client.xrange("ws.dlq")
            raws = sorted(fields[b"raw"] for _, fields in letters)
            assert raws == sorted(f"broken {number}".encode() for number in range(50))
            assert {fields[b"reason"] for _, fields in letters} == {b"parse_error"}


async def test_events_of_all_nodes_arrive_in_the_stream(two):
    async with Listener(two.nodes["a"], "1") as one, Listener(two.nodes["b"], "2") as other:
        for number in range(20):
            for client in (one, other):
                await client.client.send(json.dumps({"number": number}))
    async with Redis.from_url(two.redis.dsn) as client:

        async def all_there():
            return await client.xlen("ws.events") >= 44

        await eventually(all_there)
        told = [json.loads(fields[b"data"]) for _, fields in await client.xrange("ws.events")]
    for user in ("1", "2"):
        mine = [event for event in told if event["user_id"] == user]
        assert [event["type"] for event in mine] == [
            "connected",
            *["message_received"] * 20,
            "disconnected",
        ]
        numbers = [event["message"]["number"] for event in mine if "message" in event]
        assert numbers == list(range(20))


async def test_a_bus_that_ends_here_makes_a_node_beside_others_unready(tmp_path, redis, rabbitmq):
    async with cluster(tmp_path, redis, rabbitmq, "redis", "a") as made:
        folder = tmp_path / "alone"
        folder.mkdir()
        text = sections(made.redis, made.rabbitmq, "memory", node_id="alone")
        async with gateway(folder, text) as alone:

            async def says_so():
                parts = (await alone.get("/ready")).json()["parts"]
                return "choose a bus" in parts.get("neighbours", {}).get("detail", "")

            await eventually(says_so, 20)
            assert (await alone.get("/ready")).status_code == 503
