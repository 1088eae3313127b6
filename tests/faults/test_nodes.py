"""Nodes that are killed, restarted under load, doubled, and cut off from each other."""

from __future__ import annotations

import asyncio
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


class Publishing:
    """Publishes numbers until it is stopped, at most 200 a second, each until it is accepted."""

    def __init__(self, publisher, subject):
        self.publisher, self.subject = publisher, subject
        self.count = 0
        self.stopping = False
        self.task = asyncio.create_task(self._run())

    async def _run(self):
        while not self.stopping:
            with suppress(httpx.HTTPError):
                await self.publisher.publish(self.count, self.subject, id=f"n-{self.count}")
                self.count += 1
            await asyncio.sleep(0.005)

    async def stop(self):
        """Finish the number under way; return how many were published."""
        self.stopping = True  # no cancelling: whether the last one was published must be known
        await self.task
        return self.count


def contiguous(heard):
    """As many numbers as were heard, from the first one on."""
    return list(range(heard[0], heard[0] + len(heard)))


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
        publishing = Publishing(publisher, "user:42")
        await survivor.until(lambda heard: len(heard) >= 50)
        made.nodes["a"].process.send_signal(signal.SIGKILL)
        await survivor.until(lambda heard: len(heard) >= 300, 40)
        await made.start("a")
        await survivor.until(lambda heard: len(heard) >= 500, 40)
        count = await publishing.stop()
        await survivor.until(lambda heard: len(heard) >= count, 30)
        assert survivor.heard == list(range(count))
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


@pytest.mark.parametrize(
    ("bus", "transport"),
    [("redis", "redis_stream"), ("redis", "http"), ("rabbitmq", "http"), ("rabbitmq", "rabbitmq")],
)
async def test_rolling_restart_under_load_loses_nothing_before_a_close_frame(
    tmp_path, redis, rabbitmq, bus, transport
):
    """A client hears without a gap up to its own close frame, and from its return on."""
    async with (
        cluster(tmp_path, redis, rabbitmq, bus, "a", "b", "c") as made,
        backend(transport, made) as publisher,
    ):
        publishing = Publishing(publisher, "user:42")
        for name in ("a", "b", "c"):
            old = made.nodes[name]
            async with Listener(old, "42") as client:
                await client.until(lambda heard: len(heard) >= 30)
                old.terminate()
                assert await old.exited(40) == 0
                await client.reading
                assert client.code == 1012
                assert client.heard == contiguous(client.heard)
            del made.nodes[name]
            await made.start(name)
            await made.ready(40)
        async with Listener(made.nodes["a"], "42") as a, Listener(made.nodes["b"], "42") as b:
            await a.until(lambda heard: len(heard) >= 30)
            await b.until(lambda heard: len(heard) >= 30)
            count = await publishing.stop()
            for client in (a, b):
                await client.until_heard(count - 1)
                assert client.heard == list(range(client.heard[0], count))


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
