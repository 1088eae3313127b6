"""The backend changes what clients hear, and disconnects them, on whichever node they are."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import pytest
from redis.asyncio import Redis
from tests.support.cluster import Listener, backend
from tests.support.gateway import API_KEY, http_client
from tests.support.survival import eventually

pytestmark = pytest.mark.anyio


async def command(running, name, **body):
    async with http_client() as client:
        answer = await client.post(
            f"{running.http}/internal/{name}", json=body, headers={"X-Api-Key": API_KEY}
        )
    answer.raise_for_status()
    assert answer.headers["X-Gatewright-Reached"] == "exact"
    return answer.json()["reached"]


async def of_user(running, user):
    answer = await running.get(
        f"/internal/users/{user}/connections", headers={"X-Api-Key": API_KEY}
    )
    return answer.json()["connections"]


async def gatewright(running, *arguments):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gatewright", *arguments, "--url", running.http),
        env=os.environ | {"GATEWAY_API_KEY": API_KEY},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_subjects_follow_a_user_to_every_node(two):
    a, b = two.nodes.values()
    async with (
        Listener(a, "42") as here,
        Listener(b, "42") as there,
        Listener(b, "7") as other,
        backend("http", two) as publisher,
    ):
        assert await command(a, "subjects", user_id="42", add=["room:1", "room:2"]) == 2
        assert await command(b, "subjects", user_id="42", remove=["room:2"]) == 2
        for number, room in enumerate(["room:2", "room:1", "user:42"]):
            await publisher.publish(number, room)
        for client in (here, there):
            await client.until_heard(2)
            assert client.heard == [1, 2]
        assert other.heard == []

        async def followed():
            found = await of_user(a, "42")
            return [one["subjects"] for one in found] == [["user:42", "room:1"]] * 2

        await eventually(followed)
        await there.client.send('{"n":1}')

        async def told():
            async with Redis.from_url(two.redis.dsn) as client:
                entries = await client.xrange("ws.events")
            events = [json.loads(fields[b"data"]) for _, fields in entries]
            said = [event for event in events if event["type"] == "message_received"]
            return [event["subjects"] for event in said] == [["user:42", "room:1"]]

        await eventually(told)


async def test_one_connection_is_disconnected_through_the_other_node(two):
    a, b = two.nodes.values()
    async with Listener(b, "42") as one, Listener(b, "42") as another:

        async def both():
            return len(await of_user(a, "42")) == 2

        await eventually(both)
        oldest = min(await of_user(a, "42"), key=lambda each: each["connected_at"])
        assert (
            await command(
                a,
                "disconnect",
                connection_id=oldest["connection_id"],
                code=4403,
                reason="logged out",
            )
            == 1
        )
        done, _ = await asyncio.wait(
            {one.reading, another.reading}, return_when=asyncio.FIRST_COMPLETED
        )
        ended, stayed = (one, another) if one.reading in done else (another, one)
        assert (ended.code, ended.client.close_reason) == (4403, "logged out")
        assert stayed.code is None

        async def one_left():
            return len(await of_user(a, "42")) == 1

        await eventually(one_left)


async def test_nobody_reached_is_no_error(two):
    a, _ = two.nodes.values()
    assert await command(a, "disconnect", user_id="nobody") == 0
    assert await command(a, "subjects", connection_id="none", add=["a"]) == 0


async def test_the_command_line_does_both(two):
    a, b = two.nodes.values()
    async with Listener(b, "42") as client:
        assert await gatewright(a, "subjects", "--user", "42", "--add", "room:1") == (
            0,
            "reached 1\n",
        )
        assert await gatewright(a, "publish", "room:1", '"hello"') == (0, "sent 1\n")
        await client.until_heard("hello")
        assert await gatewright(a, "disconnect", "--user", "42", "--code", "4403") == (
            0,
            "reached 1\n",
        )
        await client.reading
        assert client.code == 4403
