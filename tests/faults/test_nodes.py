"""Nodes that are killed, restarted under load, doubled, and cut off from each other."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
from collections import Counter
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import pytest
from redis.asyncio import Redis
from tests.support.cluster import LEASE_SECONDS, Listener, backend, cluster, sections
from tests.support.gateway import gateway
from tests.support.survival import eventually, survived

from gatewright.testing.toxics import ToxicProxy

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


@pytest.fixture(params=["redis", "rabbitmq"])
def bus(request):
    return request.param


async def publish_on(publisher, published, subject, **fields):
    """Publish numbers until cancelled, at most 200 a second, each until it is accepted."""
    for number in itertools.count():
        while len(published) == number:
            with suppress(httpx.HTTPError):
                await publisher.publish(number, subject, id=f"n-{number}", **fields)
                published.append(number)
            await asyncio.sleep(0.005)


async def stopped(task):
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def events_of(redis, connection_ids):
    async with Redis.from_url(redis.dsn) as client:
        entries = await client.xrange("ws.events")
    told = [(json.loads(fields[b"data"]), fields) for _, fields in entries]
    return [(event, fields) for event, fields in told if event["connection_id"] in connection_ids]


@pytest.mark.parametrize("transport", ["http", "redis_stream", "rabbitmq"])
async def test_a_killed_node_costs_the_others_nothing(tmp_path, redis, rabbitmq, bus, transport):
    async with (
        cluster(tmp_path, redis, rabbitmq, bus, "a", "b") as made,
        backend(transport, made) as publisher,
        Listener(made.nodes["b"], "42") as survivor,
    ):
        published = []
        publishing = asyncio.create_task(publish_on(publisher, published, "user:42"))
        await survivor.until(lambda heard: len(heard) >= 50)
        made.nodes["a"].process.send_signal(signal.SIGKILL)
        await survivor.until(lambda heard: len(heard) >= 300, 40)
        await made.start("a")
        await survivor.until(lambda heard: len(heard) >= 500, 40)
        await stopped(publishing)
        await survivor.until(lambda heard: len(heard) >= len(published), 30)
        assert survivor.heard == list(range(len(survivor.heard)))
        await survived(made.nodes["b"])


async def test_the_connections_of_a_killed_node_are_told_as_lost_by_one_survivor(
    tmp_path, redis, rabbitmq
):
    async with cluster(tmp_path, redis, rabbitmq, "redis", "a", "b", "c") as made:
        killed = made.nodes.pop("a")
        clients = [await killed.socket(f"u{number}") for number in range(20)]
        ids = set()

        async def all_present():
            answer = await made.nodes["b"].get(
                "/internal/connections", headers={"X-Api-Key": "test-key"}
            )
            ids.update(one["connection_id"] for one in answer.json()["connections"])
            return len(ids) == 20

        await eventually(all_present)
        killed.process.send_signal(signal.SIGKILL)
        await killed.process.wait()

        async def all_told():
            told = await events_of(redis, ids)
            return sum(event["type"] == "disconnected" for event, _ in told) >= 20

        await eventually(all_told, 10 * LEASE_SECONDS)
        lost = [
            (event, fields)
            for event, fields in await events_of(redis, ids)
            if event["type"] == "disconnected"
        ]
        assert Counter(event["connection_id"] for event, _ in lost) == Counter(ids)
        for event, fields in lost:
            assert fields[b"id"] == f"{event['connection_id']}-lost".encode()
            assert fields[b"reason"] == b"node_lost"
            assert b"seq" not in fields
        async with Redis.from_url(redis.dsn) as client:
            assert await client.keys("presence:conn:*") == []
            assert await client.keys("presence:user:*") == []
        for client in clients:
            await client.close()


async def test_rolling_restart_under_load_loses_nothing_before_a_close_frame(
    tmp_path, redis, rabbitmq, bus
):
    """A client hears without a gap up to its own close frame, and from its return on."""
    async with (
        cluster(tmp_path, redis, rabbitmq, bus, "a", "b") as made,
        backend("redis_stream", made) as publisher,
    ):
        published = []
        publishing = asyncio.create_task(publish_on(publisher, published, "user:42"))
        for name in ("a", "b"):
            old = made.nodes[name]
            async with Listener(old, "42") as client:
                await client.until(lambda heard: len(heard) >= 30)
                old.terminate()
                assert await old.exited(40) == 0
                await client.reading
                assert client.code == 1012
                first = client.heard[0]
                assert client.heard == list(range(first, first + len(client.heard)))
            del made.nodes[name]
            await made.start(name)
            await made.ready(40)
        async with Listener(made.nodes["a"], "42") as a, Listener(made.nodes["b"], "42") as b:
            await a.until(lambda heard: len(heard) >= 30)
            await b.until(lambda heard: len(heard) >= 30)
            await stopped(publishing)
            last = published[-1]
            await a.until_heard(last)
            await b.until_heard(last)
            for client in (a, b):
                assert client.heard == list(range(client.heard[0], last + 1))


async def test_a_graceful_stop_leaves_no_presence_behind(tmp_path, redis, rabbitmq):
    async with cluster(tmp_path, redis, rabbitmq, "redis", "a") as made:
        async with Listener(made.nodes["a"], "42") as client:
            made.nodes["a"].terminate()
            assert await made.nodes["a"].exited(30) == 0
            await client.reading
        async with Redis.from_url(redis.dsn) as store:
            assert await store.keys("presence:*") == []
            assert [key for key in await store.keys("gatewright:*") if b"bus" not in key] == []


async def test_a_second_process_with_the_same_node_id_never_looks_well(
    tmp_path, redis, rabbitmq, bus
):
    async with cluster(tmp_path, redis, rabbitmq, bus, "a") as made:
        folder = tmp_path / "double"
        folder.mkdir()
        async with gateway(folder, sections(redis, rabbitmq, bus, node_id="a")) as double:

            async def names_it():
                answer = await double.get("/ready")
                details = [part.get("detail", "") for part in answer.json()["parts"].values()]
                return answer.status_code == 503 and any("node id" in each for each in details)

            await eventually(names_it, 20)
            await survived(double)
        assert made.nodes["a"].process.returncode is None


async def test_a_bus_that_is_cut_is_red_in_seconds_and_refuses_publications(
    tmp_path, redis, rabbitmq, bus
):
    dsn = {"redis": redis, "rabbitmq": rabbitmq}[bus].dsn
    port = urlsplit(dsn).port
    async with ToxicProxy.to("127.0.0.1", port) as proxy:
        proxied = dsn.replace(f":{port}", f":{proxy.port}")
        text = f"bus: {{{bus}: {{dsn: '{proxied}'}}}}"
        async with gateway(tmp_path, text) as running, Listener(running, "42") as client:

            async def ready():
                return (await running.get("/ready")).status_code == 200

            async def red():
                return not await ready()

            await eventually(ready, 20)
            assert await running.publish("before") == 1
            proxy.stall()
            await eventually(red, 10)
            with pytest.raises(httpx.HTTPStatusError, match="503"):
                await running.publish("meanwhile", id="m")
            proxy.heal()
            await eventually(ready, 60)
            assert await running.publish("after") == 1
            await client.until_heard("after")
            assert [each for each in client.heard if each != "meanwhile"] == ["before", "after"]
            await survived(running)
