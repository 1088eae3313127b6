"""The proxy is as bad as it is told to be, and well again when healed."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress

import pytest

from gatewright.testing.toxics import ToxicProxy

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def echo_behind_proxy():
    async def echo(reader, writer):
        with suppress(ConnectionError):
            while data := await reader.read(1024):
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        async with ToxicProxy.to("127.0.0.1", server.sockets[0].getsockname()[1]) as proxy:
            yield proxy


async def said_back(connection, text=b"hello\n"):
    reader, writer = connection
    writer.write(text)
    async with asyncio.timeout(10):
        return await reader.readline()


@asynccontextmanager
async def connected(proxy):
    connection = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield connection
    finally:
        connection[1].transport.abort()


async def test_a_healthy_proxy_forwards_both_ways():
    async with echo_behind_proxy() as proxy, connected(proxy) as connection:
        assert await said_back(connection) == b"hello\n"


async def test_latency_delays_and_healing_ends_it():
    async with echo_behind_proxy() as proxy, connected(proxy) as connection:
        proxy.latency(0.2)
        began = time.monotonic()
        assert await said_back(connection) == b"hello\n"
        assert time.monotonic() - began >= 0.4
        proxy.heal()
        assert await said_back(connection) == b"hello\n"


async def test_a_cut_resets_what_is_open_and_what_comes():
    async with echo_behind_proxy() as proxy:
        async with connected(proxy) as old:
            assert await said_back(old) == b"hello\n"
            proxy.cut()
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await old[0].readexactly(1)
        async with connected(proxy) as new:
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await new[0].readexactly(1)
        proxy.heal()
        async with connected(proxy) as newer:
            assert await said_back(newer) == b"hello\n"


async def test_a_stalled_proxy_keeps_what_was_sent_until_healed():
    async with echo_behind_proxy() as proxy, connected(proxy) as connection:
        assert await said_back(connection) == b"hello\n"
        proxy.stall()
        answer = asyncio.create_task(said_back(connection))
        done, _ = await asyncio.wait({answer}, timeout=0.2)
        assert not done
        proxy.heal()
        assert await answer == b"hello\n"
