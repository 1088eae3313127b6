"""Connections that ended in every way leave neither tasks nor timers nor descriptors."""

from __future__ import annotations

import asyncio
import os
import struct

import pytest
from tests.core.server.test_drivers import raw
from tests.support.raw import frame, until_closed
from tests.support.survival import descriptors

from gatewright.server.drivers import asgi

pytestmark = pytest.mark.anyio

CONNECTIONS = 600


async def closes(_session, reader, writer):
    writer.write(frame(8, struct.pack("!H", 1000)))
    await until_closed(reader)


async def is_closed(session, reader, writer):
    session.socket.close(4401)
    writer.write(frame(8, struct.pack("!H", 4401)))
    await until_closed(reader)


async def breaks_the_rules(_session, reader, writer):
    writer.write(frame(3))
    writer.write_eof()
    await until_closed(reader)


async def half_closes_within_a_message(_session, reader, writer):
    writer.write(frame(1, b"x", fin=False))
    writer.write_eof()
    await until_closed(reader)


async def is_aborted(session, reader, _writer):
    session.socket.abort()
    await until_closed(reader)


async def resets_while_it_is_closed(session, _reader, writer):
    session.socket.pause_reading()
    writer.write(frame(1, b"x"))
    session.socket.close(1012)


WAYS = [
    closes,
    is_closed,
    breaks_the_rules,
    half_closes_within_a_message,
    is_aborted,
    resets_while_it_is_closed,
]


async def come_and_go(served, count):
    for _ in range(count):
        number = len(served.sessions)
        async with raw(served) as (reader, writer):
            session = await served.session(number)
            await WAYS[number % len(WAYS)](session, reader, writer)
        await session.is_closed.wait()


def held():
    """Return what this process runs, will run, and has open."""
    timers = [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()]
    return len(asyncio.all_tasks()), len(timers), descriptors(os.getpid())


async def test_all_that_a_connection_needed_goes_with_it(served_by, monkeypatch):
    monkeypatch.setattr(asgi, "CLOSE_SECONDS", 0.5)  # so long its last timer stays, without it
    async with served_by(interval=600) as served:
        await come_and_go(served, len(WAYS))  # what is made once, is
        before = held()
        await come_and_go(served, CONNECTIONS)
        while any(now > then for now, then in zip(held(), before, strict=True)):
            await asyncio.sleep(0.01)
