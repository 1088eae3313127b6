"""permessage-deflate in a real gateway: real clients, hand-made frames, and bombs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import zlib

import aiohttp
import pytest
from tests.support.gateway import gateway
from tests.support.raw import close_frame, dial, frame, next_frame, upgrade
from tests.support.survival import MEBIBYTE, resident, survived
from websockets.exceptions import ConnectionClosed

pytestmark = pytest.mark.anyio

SERVER = 'server: {{bind: "127.0.0.1:0", permessage_deflate: {}, socket_driver: {}}}'
LIMITS = "limits: {message_bytes: 65536}"
OFFER = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
LONG = {"text": "all the same, " * 500}
PING = b'{"type":"ping"}'


@pytest.fixture(scope="module")
async def running(tmp_path_factory):
    sections = f"{SERVER.format('true', 'direct')}\n{LIMITS}"
    async with gateway(tmp_path_factory.mktemp("gateway"), sections) as started:
        yield started


@contextlib.asynccontextmanager
async def raw(running, user="42", offer=OFFER):
    """Open a WebSocket by hand; yield a reader, a writer and the answer's head."""
    reader, writer = await dial(running.host)
    writer.write(upgrade(f"/ws?token={user}", offer))
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101"), head
    try:
        yield reader, writer, head
    finally:
        writer.transport.abort()


def deflated(payload):
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (squeeze.compress(payload) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]


async def test_a_browsers_offer_is_taken_and_the_answer_asks_both_sides_to_forget(running):
    async with raw(running) as (_, _, head):
        assert (
            b"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
            b"client_no_context_takeover\r\n"
        ) in head


async def test_who_offers_nothing_gets_nothing(running):
    async with raw(running, offer=b"") as (reader, writer, head):
        assert b"Extensions" not in head
        writer.write(frame(1, deflated(PING), rsv=4))
        assert (await close_frame(reader))[0] == 1002


async def test_offers_may_be_spread_over_headers_and_the_first_that_fits_is_taken(running):
    offers = (
        b"Sec-WebSocket-Extensions: foo, permessage-deflate; server_max_window_bits=9\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=13\r\n"
    )
    async with raw(running, offer=offers) as (_, _, head):
        assert b"client_no_context_takeover; server_max_window_bits=12\r\n" in head


async def test_all_clients_read_the_same_in_the_same_order(running):
    payloads = [LONG, {"n": 1}, {"text": "x" * 70_000}, "ü" * 1000, {"n": 2}]
    async with (
        running.socket() as squeezed,
        running.socket(compression=None) as plain,
        aiohttp.ClientSession() as http,
        http.ws_connect(f"http://{running.host}/ws?token=42", compress=12) as other,
    ):
        assert [extension.name for extension in squeezed.protocol.extensions] == [
            "permessage-deflate"
        ]
        assert not plain.protocol.extensions
        assert other.compress
        for payload in payloads:
            assert await running.publish(payload) == 3
        async with asyncio.timeout(10):
            for payload in payloads:
                event = {"type": "event", "payload": payload}
                assert json.loads(await squeezed.recv()) == event
                assert json.loads(await plain.recv()) == event
                assert await other.receive_json() == event


async def test_what_clients_compress_is_read_and_answered(running):
    async with (
        running.socket() as squeezed,
        aiohttp.ClientSession() as http,
        http.ws_connect(f"http://{running.host}/ws?token=42", compress=15) as other,
    ):
        for _ in range(3):  # each message begins anew
            await squeezed.send('{"type":"ping", "padding": "%s"}' % ("a" * 5000))
            assert await squeezed.recv() == '{"type":"pong"}'
            await other.send_str('{"type":"ping", "padding": "%s"}' % ("a" * 5000))
            assert await other.receive_str() == '{"type":"pong"}'


async def test_long_publications_are_compressed_and_short_ones_are_not(running):
    async with raw(running, "squeezed") as (reader, _, _):
        await running.publish(LONG, "user:squeezed")
        first, length = await reader.readexactly(2)
        assert first == 0xC1  # FIN, RSV1, text
        assert length < 126
        data = await reader.readexactly(length)
        text = zlib.decompressobj(-12).decompress(data + b"\x00\x00\xff\xff")
        assert json.loads(text) == {"type": "event", "payload": LONG}
        await running.publish({"n": 1}, "user:squeezed")
        assert (await reader.readexactly(1))[0] == 0x81


@pytest.mark.parametrize("size", [1, 7, 20])
async def test_a_compressed_message_may_come_in_frames_with_pings_between(running, size):
    data = deflated(b'{"type":"ping","padding":"%b"}' % (b"abcdefgh" * 100))
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    async with raw(running) as (reader, writer, _):
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            writer.write(frame(0 if index else 1, part, fin=last, rsv=0 if index else 4))
            if not index:
                writer.write(frame(9, b"between"))
        assert await next_frame(reader) == (10, b"between")
        assert await next_frame(reader) == (1, b'{"type":"pong"}')


async def test_compressed_and_plain_messages_may_alternate(running):
    async with raw(running) as (reader, writer, _):
        writer.write((frame(1, PING) + frame(1, deflated(PING), rsv=4)) * 3)
        for _ in range(6):
            assert await next_frame(reader) == (1, b'{"type":"pong"}')


VIOLATIONS = {
    "another reserved bit": (frame(1, deflated(PING), rsv=6), 1002),
    "RSV1 on a ping": (frame(9, rsv=4), 1002),
    "RSV1 on a close frame": (frame(8, rsv=4), 1002),
    "RSV1 on a continuation": (frame(1, b"\x00", fin=False, rsv=4) + frame(0, b"", rsv=4), 1002),
    "no deflate": (frame(1, b"\xff" * 20, rsv=4), 1007),
    "something after the last block": (frame(1, b"\x03\x00\x03\x00", rsv=4), 1007),
    "no UTF-8 inside": (frame(1, deflated(b"\xff\xfe"), rsv=4), 1007),
    "binary": (frame(2, deflated(b"\x00" * 100), rsv=4), 1003),
    "one byte too long": (frame(1, deflated(b" " * 65_537), rsv=4), 1009),
    "too long as it comes": (frame(1, b"\x00" * 80_000, rsv=4), 1009),
    "endless frames": (
        frame(1, b"x" * 40_000, fin=False, rsv=4) + frame(0, b"x" * 40_000, fin=False),
        1009,
    ),
}


@pytest.mark.parametrize("what", VIOLATIONS)
async def test_what_must_not_come_is_closed_with_its_code(running, what):
    data, code = VIOLATIONS[what]
    async with raw(running) as (reader, writer, _):
        writer.write(data)
        assert (await close_frame(reader))[0] == code
    await survived(running)


async def test_a_message_of_just_the_limit_passes_compressed_or_not_compressible(running):
    head = b'{"type":"ping","p":"'
    texts = [head + b"a" * (65_536 - len(head) - 2) + b'"}']
    noise = "".join(f"{number:x}" for number in range(1, 16_000)).encode()
    texts.append(head + noise[: 65_536 - len(head) - 2] + b'"}')
    async with raw(running) as (reader, writer, _):
        for text in texts:
            writer.write(frame(1, deflated(text), rsv=4))
            assert await next_frame(reader) == (1, b'{"type":"pong"}')


async def test_bombs_cost_no_memory_and_nobody_else(running):
    bomb = frame(1, deflated(b"\0" * 60 * MEBIBYTE), rsv=4)
    assert len(bomb) < 65_536
    async with running.socket("bystander") as bystander:
        before = resident(running.process.pid)
        for _ in range(20):
            async with raw(running) as (reader, writer, _):
                writer.write(bomb)
                assert await close_frame(reader) == (1009, "message too big")
        assert resident(running.process.pid) - before < 8 * MEBIBYTE
        await bystander.send('{"type":"ping"}')
        assert await bystander.recv() == '{"type":"pong"}'
    await survived(running)


async def test_a_slow_reader_is_judged_by_what_is_sent(running, tmp_path):
    """Compressed, 200 publications of 50 KB are below a limit of 256 KiB; plain, they pass it."""
    sections = "\n".join(
        [SERVER.format("{min_bytes: 0}", "direct"), "limits: {send_buffer_bytes: 262144}"]
    )
    async with gateway(tmp_path, sections) as started:
        async with started.socket() as squeezed, started.socket(compression=None) as plain:
            plain.transport.pause_reading()
            squeezed.transport.pause_reading()
            payload = {"text": "all the same, " * 3500}
            for _ in range(200):
                await started.publish(payload)
            squeezed.transport.resume_reading()
            for _ in range(200):
                assert json.loads(await squeezed.recv())["payload"] == payload
            plain.transport.resume_reading()
            with pytest.raises(ConnectionClosed):
                while True:
                    await plain.recv()
            assert plain.close_code == 4008
        assert await started.metric("gatewright_slow_closes_total") == 1


async def test_sockets_of_the_asgi_driver_are_never_compressed(tmp_path):
    off = 'server: {bind: "127.0.0.1:0", socket_driver: asgi}'
    async with gateway(tmp_path, off) as started, raw(started) as (reader, writer, head):
        assert b"Extensions" not in head
        writer.write(frame(1, deflated(PING), rsv=4))
        assert (await close_frame(reader))[0] == 1002


async def test_off_is_the_default(tmp_path):
    async with gateway(tmp_path) as started, raw(started) as (_, _, head):
        assert b"Extensions" not in head
