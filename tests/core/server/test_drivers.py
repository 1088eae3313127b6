"""Both drivers under a real hypercorn, spoken to by a real client library and by raw bytes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from gatewright.wire.frames import Frame

pytestmark = pytest.mark.anyio


def frame(opcode, payload=b"", *, fin=True, rsv=0, mask=True):
    """Build a client's frame by RFC 6455, section 5.2."""
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if mask else 0
    if len(payload) < 126:
        head += bytes([bit | len(payload)])
    elif len(payload) < 65536:
        head += bytes([bit | 126]) + struct.pack("!H", len(payload))
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", len(payload))
    if not mask:
        return head + payload
    key = b"\x12\x34\x56\x78"
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


@contextlib.asynccontextmanager
async def raw(served, *, receive_buffer=None):
    """Open a WebSocket by hand: a reader and a writer after the 101."""
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (served.host, served.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=2**16)
    writer.write(
        b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101"), head
    assert b"deflate" not in head
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def close_frame(reader):
    """Read up to the server's close frame; return its code and reason."""
    async with asyncio.timeout(5):
        while True:
            first, length = await reader.readexactly(2)
            if length == 126:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", await reader.readexactly(8))
            payload = await reader.readexactly(length)
            if first & 0x0F == 8:
                return struct.unpack("!H", payload[:2])[0], payload[2:].decode()


async def test_texts_go_in_and_frames_come_out_in_order(served_by):
    async with served_by() as served, connect(served.url) as client:
        for number in range(50):
            await client.send(f"text {number}")
        assert [await client.recv() for _ in range(50)] == [f"text {n}" for n in range(50)]


async def test_the_peers_close_code_and_reason_reach_the_session(served_by):
    async with served_by() as served:
        async with connect(served.url) as client:
            await client.close(4001, "bye")
        session = await served.session()
        await session.is_closed.wait()
        assert session.ended == (4001, "bye")


async def test_a_vanished_peer_is_1006(served_by):
    async with served_by() as served:
        async with raw(served) as (_, writer):
            session = await served.session()
            writer.transport.abort()
        await session.is_closed.wait()
        assert session.ended == (1006, "")


async def test_close_sends_what_was_written_before_it(served_by):
    async with served_by() as served, connect(served.url) as client:
        session = await served.session()
        for number in range(20):
            session.socket.write(Frame(b"%d" % number))
        session.socket.close(1012, "retry=5")
        session.socket.write(Frame(b"too late"))
        got = []
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                got.append(await client.recv())
        assert got == [str(number) for number in range(20)]
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1012, "retry=5")
        await session.is_closed.wait()
        assert session.ended == (1012, "retry=5")


async def test_a_binary_message_closes_with_1003(served_by):
    async with served_by() as served, connect(served.url) as client:
        await client.send(b"\x00\x01")
        await client.wait_closed()
        assert client.close_code == 1003


async def test_a_message_over_the_limit_closes_with_1009(served_by):
    async with served_by(message_bytes=1000) as served, connect(served.url) as client:
        await client.send("x" * 1000)
        assert await client.recv() == "x" * 1000
        await client.send("x" * 1001)
        await client.wait_closed()
        assert client.close_code == 1009


async def test_the_limit_counts_bytes_not_characters(served_by):
    async with served_by(message_bytes=1000) as served, connect(served.url) as client:
        await client.send("\N{GRINNING FACE}" * 251)
        await client.wait_closed()
        assert client.close_code == 1009


async def test_endless_fragments_end_at_the_limit(served_by):
    async with served_by(message_bytes=10_000) as served, raw(served) as (reader, writer):
        writer.write(frame(1, b"a", fin=False))
        for _ in range(11):
            writer.write(frame(0, b"b" * 1000, fin=False))
        assert (await close_frame(reader))[0] == 1009
        session = await served.session()
        assert session.texts == []


async def test_fragments_are_one_message_with_controls_between(served_by):
    async with served_by() as served, raw(served) as (reader, writer):
        writer.write(frame(1, b"Gr\xc3", fin=False) + frame(9, b"hi") + frame(0, b"\xbc\xc3\x9fe"))
        pong = await reader.readexactly(4)
        assert pong == b"\x8a\x02hi"
        assert await reader.readexactly(2 + 7) == b"\x81\x07" + "Grüße".encode()
        assert (await served.session()).controls == 2  # the ping, and the fragment before it


async def test_after_a_close_nothing_is_a_message(served_by):
    async with served_by() as served, raw(served) as (reader, writer):
        writer.write(frame(8, struct.pack("!H", 1000)) + frame(1, b"late"))
        assert (await close_frame(reader))[0] == 1000
        session = await served.session()
        await session.is_closed.wait()
        assert session.texts == []


async def test_a_socket_is_gone_soon_after_the_server_closed_it(served_by):
    async with served_by() as served, raw(served) as (reader, _writer):
        session = await served.session()
        session.socket.close(4401)
        assert await close_frame(reader) == (4401, "")
        async with asyncio.timeout(3):  # although we never answer
            assert await reader.read() == b""


async def test_who_never_reads_is_closed_and_others_are_served(served_by):
    async with served_by(send_buffer_bytes=256 * 1024, echo=False) as served:
        async with raw(served, receive_buffer=4096) as (_, writer), connect(served.url) as other:
            slow, quick = await served.session(0), await served.session(1)
            writer.transport.pause_reading()
            big = Frame(b"x" * 64 * 1024)
            while not served.slow:
                slow.socket.write(big)
                quick.socket.write(Frame(b"tick"))
                assert await other.recv() == "tick"
            async with asyncio.timeout(10):
                await slow.is_closed.wait()
            assert slow.ended == (4008, "slow consumer")
            assert slow.socket.buffered == 0


async def test_a_flood_that_is_cut_off_leaves_no_task_behind(served_by):
    def connections():
        return [task for task in asyncio.all_tasks() if "_server_callback" in repr(task)]

    async with served_by(echo=False) as served:
        async with raw(served) as (reader, writer):
            session = await served.session()
            session.text = lambda _text: session.socket.close(1008, "flood")
            writer.write(frame(1, b"{}") * 2000)
            assert (await close_frame(reader))[0] == 1008
            await session.is_closed.wait()
            assert bool(connections()) == (served.driver == "asgi")  # else hypercorn let go
        async with asyncio.timeout(3):
            while connections():
                await asyncio.sleep(0.01)


async def test_an_empty_buffer_takes_any_single_frame(served_by):
    async with served_by(send_buffer_bytes=1000) as served, connect(served.url) as client:
        session = await served.session()
        session.socket.write(Frame(b"y" * 500_000))
        assert len(await client.recv()) == 500_000


async def test_writing_to_a_gone_client_does_nothing(served_by):
    async with served_by() as served:
        async with raw(served):
            session = await served.session()
        await session.is_closed.wait()
        for _ in range(1000):
            session.socket.write(Frame(b"x" * 10_000))
        assert session.socket.buffered == 0


async def test_who_never_pongs_is_closed_with_1011(served_by):
    async with served_by(interval=0.1, timeout=0.1) as served, raw(served) as (reader, _):
        assert await close_frame(reader) == (1011, "no pong")
        session = await served.session()
        await session.is_closed.wait()
        assert session.ended == (1011, "no pong")


async def test_who_pongs_stays(served_by):
    async with (
        served_by(interval=0.05, timeout=0.05) as served,
        connect(served.url) as client,
    ):
        session = await served.session()
        while session.controls < 5:
            session.heard.clear()
            await session.heard.wait()
        await client.send("still here")
        assert await client.recv() == "still here"


async def test_a_paused_socket_takes_no_messages_and_is_not_judged(served_by):
    quiet = served_by(interval=0.05, timeout=0.05, echo=False)
    async with quiet as served, connect(served.url) as client:
        session = await served.session()
        await client.send("first")
        session.socket.pause_reading()
        for number in range(30):
            await client.send(str(number))
        await asyncio.sleep(0.3)  # several keepalive intervals
        assert session.ended is None
        assert len(session.texts) <= 2
        session.socket.resume_reading()
        async with asyncio.timeout(5):
            while len(session.texts) < 31:
                session.heard.clear()
                await session.heard.wait()


async def test_abort_drops_the_connection_at_once(served_by):
    async with served_by() as served, raw(served) as (reader, _):
        session = await served.session()
        session.socket.abort()
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        await session.is_closed.wait()
        assert session.ended == (1006, "")


async def test_frames_before_the_101_are_refused(served_by):
    async with served_by() as served:
        reader, writer = await asyncio.open_connection(served.host, served.port)
        writer.write(
            b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            + frame(1, b"early")
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400")
        assert await reader.read() == b""
        writer.close()


async def test_no_cleartext_http2(served_by):
    async with served_by() as served:
        reader, writer = await asyncio.open_connection(served.host, served.port)
        writer.write(
            b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
        )
        assert (await reader.readline()).startswith(b"HTTP/1.1 404")
        writer.transport.abort()


async def test_a_header_that_drips_is_cut_off(served_by):
    async with served_by() as served:
        reader, writer = await asyncio.open_connection(served.host, served.port)

        async def drip():
            with contextlib.suppress(ConnectionError):
                for byte in b"GET /ws HTTP/1.1\r\nX: " + b"y" * 1000:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        async with asyncio.timeout(4):  # handshake_seconds is 2 here
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        dripping.cancel()
        writer.transport.abort()


async def test_a_session_that_raises_is_closed_with_1011(served_by):
    async with served_by(echo=False) as served, connect(served.url) as client:
        session = await served.session()

        def fail(_text):
            raise RuntimeError

        session.text = fail
        await client.send("x")
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd.code == 1011
        await session.is_closed.wait()
