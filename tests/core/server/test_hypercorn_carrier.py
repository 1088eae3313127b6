"""Clients that stop reading, and what they may not take with them."""

from __future__ import annotations

import asyncio
import struct

import pytest
from tests.core.server.test_drivers import frame, raw
from tests.support.served import serve_recorders

from gatewright.server.drivers import asgi as asgi_driver
from gatewright.server.hypercorn.carrier import carrier_of
from gatewright.wire.frames import Frame

pytestmark = pytest.mark.anyio

CLOSE = frame(8, struct.pack("!H", 1000))


def connections():
    return [task for task in asyncio.all_tasks() if "_server_callback" in repr(task)]


async def none_is_left(seconds):
    async with asyncio.timeout(seconds):
        while connections():
            await asyncio.sleep(0.01)


async def fill(socket, transport, most):
    """Write until the kernel takes no more and ``most`` bytes wait in the transport."""
    while transport.get_write_buffer_size() < most:
        socket.write(Frame(b"x" * 8192))
        await asyncio.sleep(0)


def transport_of(session):
    return carrier_of(session.socket._send)._transport


async def test_who_closes_but_does_not_read_what_is_left_is_cut_off(monkeypatch):
    monkeypatch.setattr(asgi_driver, "CLOSE_SECONDS", 0.3)
    async with serve_recorders(echo=False) as served:
        async with raw(served, receive_buffer=4096) as (_, writer):
            session = await served.session()
            writer.transport.pause_reading()
            await fill(session.socket, transport_of(session), 10_000)
            writer.write(CLOSE)
            await session.is_closed.wait()
            assert session.ended == (1000, "")
            assert connections()
            await none_is_left(5)


async def test_no_ping_goes_to_who_has_sent_a_close_frame(monkeypatch):
    monkeypatch.setattr(asgi_driver, "CLOSE_SECONDS", 0.1)
    async with serve_recorders(echo=False, interval=0.3, timeout=0.2) as served:
        async with (
            raw(served, receive_buffer=4096) as (_, writer),
            raw(served) as (other_reader, _other_writer),
        ):
            blocked, other = await served.session(0), await served.session(1)
            writer.transport.pause_reading()
            await fill(blocked.socket, transport_of(blocked), 65_537)
            writer.write(CLOSE)  # while what the server writes waits for us
            await blocked.is_closed.wait()
            assert blocked.ended == (1011, "no pong")
            await other.is_closed.wait()  # the timers of others go on
            assert other.ended == (1011, "no pong")
            assert (await other_reader.read()).endswith(b"no pong")
            await none_is_left(5)


async def test_an_http_client_that_hangs_up_is_gone_at_once():
    async with serve_recorders() as served:
        reader, writer = await asyncio.open_connection(served.host, served.port)
        writer.write(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 404")
        assert connections()
        writer.close()
        await none_is_left(1)  # an idle one is kept for 2 s here


async def test_who_connects_and_says_nothing_is_gone_with_its_connection():
    async with serve_recorders() as served:
        _, writer = await asyncio.open_connection(served.host, served.port)
        async with asyncio.timeout(1):
            while not connections():
                await asyncio.sleep(0.01)
        writer.close()
        await none_is_left(1)
