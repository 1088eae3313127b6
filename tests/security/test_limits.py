"""Every cap set small, and pushed against by many at once: each holds, and places come back."""

from __future__ import annotations

import asyncio
import json
import random

import httpx
import pytest
from tests.support.gateway import gateway
from tests.support.raw import dial, raw_socket, upgrade
from tests.support.survival import counted, descriptors, descriptors_at_rest, eventually, survived
from tests.support.tokens import public_pem, token
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

pytestmark = pytest.mark.anyio

SECTIONS = """
limits:
  connections: 10
  connections_per_user: 3
  connections_per_address: 8
  message_bytes: 100
  handshake_seconds: 3
  subjects_per_connection: 4
  publication_bytes: 300
  publication_subjects: 10
rate_limit: {token_bucket: {per_second: 5, burst: 10}}
server: {bind: '127.0.0.1:0', trusted_proxies: ['127.0.0.0/8']}
"""


@pytest.fixture(scope="module")
async def running(tmp_path_factory):
    directory = tmp_path_factory.mktemp("gateway")
    (directory / "public.pem").write_bytes(public_pem())
    auth = f"auth: {{jwt: {{public_key_file: '{directory}/public.pem', subjects_claim: s}}}}"
    async with gateway(directory, f"{auth}\n{SECTIONS}") as started:
        yield started


def client(running, user, address="198.51.100.1", **claims):
    headers = {"Authorization": f"Bearer {token(user, **claims)}", "X-Forwarded-For": address}
    return connect(running.url, additional_headers=headers, max_queue=None)


async def connections(running):
    return await running.metric("gatewright_connections")


async def attempt(running, number, most):
    """Come, misbehave in one way or another, and go."""
    try:
        async with client(running, f"user{number % 5}", f"198.51.100.{number % 3}") as one:
            most.append(await connections(running))
            if number % 4 == 0:
                await one.send("x" * 101)
            elif number % 4 == 1:
                for _ in range(150):
                    await one.send('{"type":"ping"}')
            elif number % 4 == 2:
                await one.send(b"binary")
            else:
                await one.send('{"n":1}')
                await asyncio.sleep(random.random() / 5)
                one.transport.abort()
            await one.wait_closed()
    except (ConnectionClosed, InvalidHandshake, OSError):
        pass


async def test_a_crowd_at_every_cap_leaves_all_places_free(running):
    before = await descriptors_at_rest(running)
    most = []
    await asyncio.gather(*(attempt(running, number, most) for number in range(120)))
    assert 1 < max(most) <= 10

    async def all_gone():
        return not await connections(running)

    await eventually(all_gone)
    await eventually(lambda: given_back(running, before))
    for code in ("1003", "1009"):
        assert await running.metric("gatewright_closes_total", code=code) > 0
    # and all places are there again: ten in all, three of a user, eight of an address
    opened = [await client(running, f"u{n}", f"198.51.100.{n % 2}") for n in range(10)]
    async with counted(running, "gatewright_handshakes_total", result="full"):
        with pytest.raises(InvalidStatus) as refused:
            await client(running, "u99", "203.0.113.9")
        assert refused.value.response.status_code == 503
    for one in opened:
        await one.close()
    await eventually(all_gone)
    await survived(running)


async def given_back(running, before):
    return descriptors(running.process.pid) <= before


async def test_one_user_and_one_address_cannot_take_the_rest(running):
    async with client(running, "a"), client(running, "a"), client(running, "a"):
        async with counted(running, "gatewright_handshakes_total", result="full_user"):
            async with client(running, "a") as one:
                await one.wait_closed()
                assert (one.close_code, one.close_reason) == (1008, "too many connections")
        others = [await client(running, f"b{number}") for number in range(5)]
        with pytest.raises(InvalidStatus) as refused:
            await client(running, "c")
        assert refused.value.response.status_code == 429
        async with client(running, "c", "203.0.113.9"):
            pass
        for one in others:
            await one.close()
    await survived(running)


async def test_subjects_are_bounded_for_connections_and_publications(running):
    async with client(running, "s", s=["a", "b", "c"]) as one:
        assert await running.publish(1, "a") == 1
        assert json.loads(await one.recv())["payload"] == 1
        assert await running.publish(2, *map(str, range(9)), "b") == 1
        with pytest.raises(httpx.HTTPStatusError) as refused:
            await running.publish(3, *map(str, range(10)), "b")
        assert refused.value.response.status_code == 413
        with pytest.raises(httpx.HTTPStatusError) as refused:
            await running.publish("x" * 300, "b")
        assert refused.value.response.status_code == 413
    async with counted(running, "gatewright_handshakes_total", result="refused"):
        async with client(running, "s", s=["a", "b", "c", "d"]) as one:
            await one.wait_closed()
            assert one.close_code == 4401
    await survived(running)


@pytest.mark.parametrize("driver", ["direct", "asgi"])
async def test_who_never_reads_is_closed_with_4008_and_others_are_served(tmp_path, driver):
    server = f"server: {{bind: '127.0.0.1:0', socket_driver: {driver}}}"
    sections = f"{server}\nlimits: {{send_buffer_bytes: 100000}}"
    async with gateway(tmp_path, sections) as running:
        before = await descriptors_at_rest(running)
        async with raw_socket(running, "deaf", receive_buffer=4096) as (reader, _):
            reader._transport.pause_reading()
            async with running.socket("listener") as listener:

                async def was_closed():
                    await running.publish("z" * 900_000, "user:deaf", "user:listener")
                    assert len(json.loads(await listener.recv())["payload"]) == 900_000
                    return await running.metric("gatewright_slow_closes_total") == 1

                await eventually(was_closed, 20)

                async def is_gone():  # although it still does not read
                    return await connections(running) == 1

                await eventually(is_gone, 15)
                assert await running.metric("gatewright_sockets_total", driver=driver) == 2
            await eventually(lambda: given_back(running, before))
        assert await running.metric("gatewright_closes_total", code="4008") == 1
        await survived(running)


async def test_places_of_unfinished_handshakes_come_back(running):
    stuck = []
    for _ in range(30):
        reader, writer = await dial(running.host)
        writer.write(upgrade()[:-2])
        stuck.append((reader, writer))
    async with client(running, "patient") as one:
        await one.send('{"type":"ping"}')
        assert await one.recv() == '{"type":"pong"}'
    for reader, writer in stuck:
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.transport.abort()
    await survived(running)
