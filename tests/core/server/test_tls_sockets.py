"""WSS on either driver: a real gateway process with a certificate, real clients."""

from __future__ import annotations

import asyncio
import json
import ssl

import aiohttp
import pytest
from tests.support.certificates import Certificates
from tests.support.gateway import gateway
from tests.support.raw import close_frame, frame, upgrade
from tests.support.survival import MEBIBYTE, descriptors, eventually, resident, survived
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

pytestmark = pytest.mark.anyio

SECTIONS = """
server:
  bind: "127.0.0.1:0"
  internal_bind: "127.0.0.1:0"
  tls: {{certificate: {certificate}, key: {certificate}}}
  socket_driver: {driver}
limits: {{send_buffer_bytes: 262144, message_bytes: 1048576}}
session: {{refresh: true}}
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module", params=["direct", "asgi"])
async def running(request, tmp_path_factory, certificates):
    sections = SECTIONS.format(certificate=certificates.server, driver=request.param)
    async with gateway(tmp_path_factory.mktemp("gateway"), sections) as started:
        started.driver = request.param
        yield started


@pytest.fixture
def trusting(certificates):
    return ssl.create_default_context(cafile=certificates.authority)


def url(running, user="42"):
    return f"wss://{running.host}/ws?token={user}"


async def test_clients_talk_and_hear_over_tls(running, trusting):
    carried = await running.metric("gatewright_sockets_total", driver=running.driver)
    async with connect(url(running), ssl=trusting) as client:
        await client.send('{"type":"ping"}')
        assert await client.recv() == '{"type":"pong"}'
        await asyncio.wait_for(await client.ping(b"are you there"), 5)
        big = {"text": "ü" * 150_000}
        for payload in ({"n": 1}, big, {"n": 2}):
            assert await running.publish(payload) == 1
            assert json.loads(await client.recv())["payload"] == payload
        await client.send(json.dumps({"type": "ping", "pad": "x" * 900_000}))
        assert await client.recv() == '{"type":"pong"}'
    now = await running.metric("gatewright_sockets_total", driver=running.driver)
    assert now == carried + 1


async def test_another_client_library_does_so_too(running, trusting):
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"https://{running.host}/ws?token=7", ssl=trusting) as client,
    ):
        await client.send_str('{"type":"ping"}')
        assert await client.receive_str() == '{"type":"pong"}'
        await running.publish({"n": 1}, "user:7")
        assert (await client.receive_json())["payload"] == {"n": 1}


async def test_close_codes_go_both_ways(running, trusting):
    async with connect(url(running), ssl=trusting) as client:
        await client.send(b"binary")
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd.code == 1003
    before = await running.metric("gatewright_closes_total", code="other")
    async with connect(url(running), ssl=trusting) as client:
        await client.close(4321, "mine")
    await eventually(lambda: rose(running, "gatewright_closes_total", before, code="other"))


async def rose(running, name, before, **labels):
    return await running.metric(name, **labels) > before


async def test_a_token_that_is_refused_is_told_over_tls(running, trusting):
    async with connect(f"wss://{running.host}/ws", ssl=trusting) as client:
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd.code == 4401


async def test_frames_cut_into_records_of_one_byte_are_put_together(running, trusting):
    host, _, port = running.host.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=trusting)
    for data in (upgrade("/ws?token=42"), frame(1, b'{"type":"ping"}')):
        for at in range(len(data)):
            writer.write(data[at : at + 1])
        if data.startswith(b"GET"):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    assert await reader.readexactly(17) == b'\x81\x0f{"type":"pong"}'
    writer.write(frame(8, b"\x03\xe8"))
    assert await close_frame(reader) == (1000, "")
    writer.close()


async def test_who_does_not_read_is_closed_and_gone(running, trusting):
    await running.get("/health")
    files, memory = descriptors(running.process.pid), resident(running.process.pid)
    closed = await running.metric("gatewright_slow_closes_total")
    async with (
        connect(url(running, "slow"), ssl=trusting, max_queue=1) as slow,
        connect(url(running, "quick"), ssl=trusting) as quick,
    ):
        slow.transport.pause_reading()
        for number in range(400):
            await running.publish({"n": number, "fill": "x" * 20_000}, "user:slow")
            if number % 50 == 0:
                await running.publish({"n": number}, "user:quick")
                assert json.loads(await quick.recv())["payload"] == {"n": number}
        await eventually(lambda: rose(running, "gatewright_slow_closes_total", closed))
        await eventually(lambda: left(running, files + 1), 15)
        assert resident(running.process.pid) - memory < 16 * MEBIBYTE
    await survived(running)


async def left(running, files):
    """Only the quick one and the asking are there; the slow one's descriptor is free."""
    return descriptors(running.process.pid) <= files + 1


async def test_who_speaks_no_tls_costs_nothing(running, trusting):
    host, _, port = running.host.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(upgrade("/ws?token=42"))
    assert b"101" not in await asyncio.wait_for(reader.read(), 10)
    writer.close()
    async with connect(url(running), ssl=trusting) as client:
        await client.send('{"type":"ping"}')
        assert await client.recv() == '{"type":"pong"}'
