"""Clients that send too much: rows 30 to 32. They are cut off, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import json
import zlib

import pytest
from tests.support.gateway import gateway
from tests.support.raw import close_frame, frame, raw_socket, until_closed
from tests.support.survival import MEBIBYTE, counted, resident, survived

pytestmark = pytest.mark.anyio

SMALL = {
    "pings": frame(9),
    "pongs": frame(10),
    "messages": frame(1, b'{"n":1}'),
    "application pings": frame(1, b'{"type":"ping"}'),
    "empty messages": frame(1),
}


SERVER = 'server: {{bind: "127.0.0.1:0", socket_driver: {}}}'
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


@pytest.fixture(scope="module", params=["direct", "asgi"])
async def running(request, tmp_path_factory):
    server = SERVER.format(request.param)
    async with gateway(tmp_path_factory.mktemp("gateway"), server) as started:
        yield started
        assert await started.metric("gatewright_sockets_total", driver=request.param)


async def pour(writer, first, data, most):
    """Write ``first``, and ``data`` until the server resets or has been sent ``most`` bytes.

    It is a descriptor of its own that is written to: what has come in stays to be read although
    writing fails.
    """
    loop = asyncio.get_running_loop()
    sent = 0
    with writer.get_extra_info("socket").dup() as sock, contextlib.suppress(ConnectionError):
        async with asyncio.timeout(20):
            await loop.sock_sendall(sock, first)
            while sent < most:
                await loop.sock_sendall(sock, data)
                sent += len(data)
                await asyncio.sleep(0)
    return sent


async def cut_off_with(running, first, flood, code, most=4 * MEBIBYTE):
    """Flood as one client while another one talks; return what the server took of the flood."""
    async with running.socket("bystander") as bystander:
        async with counted(running, "gatewright_closes_total", code=str(code)):
            async with raw_socket(running, "flooder") as (reader, writer):
                pouring = asyncio.create_task(pour(writer, first, flood, most))
                assert (await close_frame(reader))[0] == code
                async with asyncio.timeout(5):
                    await bystander.send('{"type":"ping"}')
                    assert await bystander.recv() == '{"type":"pong"}'
                    assert await running.publish({"n": 1}, "user:bystander") == 1
                    assert json.loads(await bystander.recv())["payload"] == {"n": 1}
                await until_closed(reader)
                sent = await pouring
    await survived(running)
    return sent


@pytest.mark.parametrize("kind", SMALL)
async def test_a_flood_of_frames_is_closed_with_1008(running, kind):
    await cut_off_with(running, b"", SMALL[kind] * 2000, 1008)


@pytest.mark.parametrize("fragment", [b"", b"x"])
async def test_a_flood_of_fragments_is_closed_with_1008(running, fragment):
    await cut_off_with(running, frame(1, fin=False), frame(0, fragment, fin=False) * 2000, 1008)


@pytest.mark.parametrize("shape", ["one frame", "fragments", "messages"])
async def test_what_is_streamed_after_1009_is_neither_read_nor_kept(running, shape):
    piece = b"y" * 65536
    first, flood = {
        "one frame": (frame(1, piece * 17)[:-1], piece),
        "fragments": (frame(1, b"y", fin=False), frame(0, piece, fin=False)),
        "messages": (frame(1, piece * 17), frame(1, piece)),
    }[shape]
    before = resident(running.process.pid)
    offered = 100_000 * MEBIBYTE
    sent = await cut_off_with(running, first, flood, 1009, offered)
    assert sent < offered  # it was hung up on
    assert resident(running.process.pid) - before < 24 * MEBIBYTE


async def test_a_frame_that_claims_to_be_giant_is_refused_at_its_limit(running):
    before = resident(running.process.pid)
    giant = b"\x81\xff" + (2**40).to_bytes(8, "big") + b"\0\0\0\0"
    await cut_off_with(running, giant, b"z" * 65536, 1009)
    assert resident(running.process.pid) - before < 24 * MEBIBYTE


async def test_a_bomb_is_not_unpacked(running):
    """Compression is off by default: who offers it is not taken up on it."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = squeeze.compress(bytes(60 * MEBIBYTE)) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    assert len(bomb) < 65_536
    before = resident(running.process.pid)
    async with running.socket("bystander") as bystander:
        assert not bystander.protocol.extensions  # its library has offered it as well
        async with counted(running, "gatewright_closes_total", code="1002"):
            for _ in range(20):
                async with raw_socket(running, "bomber", headers=DEFLATE) as (reader, writer):
                    writer.write(frame(1, bomb[:-4], rsv=4))
                    assert (await close_frame(reader))[0] == 1002
        await bystander.send('{"type":"ping"}')
        assert await bystander.recv() == '{"type":"pong"}'
    assert resident(running.process.pid) - before < 8 * MEBIBYTE
    await survived(running)


async def test_a_rate_limited_flood_reaches_the_backend_as_its_limit_allows(tmp_path):
    sections = "rate_limit: {token_bucket: {per_second: 1, burst: 5}}"
    async with gateway(tmp_path, sections) as running:
        async with running.socket() as client:
            for number in range(40):
                await client.send(json.dumps({"n": number}))
            await client.send('{"type":"ping"}')
            answers = []
            while not answers or answers[-1] != '{"type":"pong"}':
                answers.append(await client.recv())
            limited = len(answers) - 1
            assert 30 <= limited <= 35
            kind = "gatewright_messages_total"
            assert await running.metric(kind, kind="rate_limited") == limited
            assert await running.metric(kind, kind="forwarded") == 40 - limited
        await survived(running)
