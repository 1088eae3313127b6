"""Thousands of sockets: all told at the end, and nothing kept of those that came and went."""

from __future__ import annotations

import asyncio
import gc
import resource
from contextlib import asynccontextmanager

import pytest
from tests.support.gateway import gateway
from tests.support.raw import frame, upgrade
from tests.support.survival import MEBIBYTE, descriptors, eventually, resident, survived

pytestmark = pytest.mark.anyio

DRIVERS = ["direct", "asgi"]
AT_THE_END = 2000
COME_AND_GO = 10_000
AT_A_TIME = 100
SECTIONS = 'server: {{bind: "127.0.0.1:0", socket_driver: {}}}\nevents: {{none: {{}}}}'


class Client(asyncio.Protocol):
    """A WebSocket that notes the code it is closed with, and answers it.

    Attributes:
        opened: Done once the handshake is.
        ended: The code, once the connection is over.
    """

    def __init__(self):
        loop = asyncio.get_running_loop()
        self.opened, self.ended = loop.create_future(), loop.create_future()
        self.received = b""

    def connection_made(self, transport):
        self.transport = transport
        transport.write(upgrade("/ws?token=42"))

    def data_received(self, data):
        self.received += data
        if not self.opened.done() and b"\r\n\r\n" in self.received:
            head, _, self.received = self.received.partition(b"\r\n\r\n")
            self.opened.set_result(head.startswith(b"HTTP/1.1 101"))
        if self.received[:1] == b"\x88":
            self.transport.write(frame(8, self.received[2:4]))

    def connection_lost(self, exc):
        code = int.from_bytes(self.received[2:4]) if self.received[:1] == b"\x88" else 1006
        if not self.ended.done():
            self.ended.set_result(code)
        if not self.opened.done():
            self.opened.set_result(False)


async def opened(running):
    host, _, port = running.host.partition(":")
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(Client, host, int(port))
    assert await client.opened
    return client


@asynccontextmanager
async def room_for(sockets):
    """Have descriptors for so many sockets of ours."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= sockets + 200, f"the tests need ulimit -Hn {sockets + 200}, it is {hard}"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, sockets + 200), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("driver", DRIVERS)
async def test_sigterm_with_2000_sockets_tells_all_and_exits_with_0(tmp_path, driver):
    """On the Python that runs the tests; each supported one does."""
    async with room_for(AT_THE_END), gateway(tmp_path, SECTIONS.format(driver)) as running:
        clients = []
        for _ in range(0, AT_THE_END, AT_A_TIME):
            clients += await asyncio.gather(*(opened(running) for _ in range(AT_A_TIME)))
        assert await running.metric("gatewright_connections") == AT_THE_END
        assert await running.metric("gatewright_sockets_total", driver=driver) == AT_THE_END
        running.terminate()
        async with asyncio.timeout(60):
            codes = await asyncio.gather(*(client.ended for client in clients))
        assert set(codes) == {1012}
        assert await running.exited(30) == 0
        assert [entry["event"] for entry in running.logs][-1] == "drained"


async def come_and_go(running, count, how):
    """Open ``count`` sockets, so many at a time, and have each end in one of three ways."""
    turns = iter(range(count))

    async def visitor():
        for turn in turns:
            client = await opened(running)
            ending = how[turn % len(how)]
            if ending == "close":
                client.transport.write(frame(8, b"\x03\xe8"))
            elif ending == "hang up":
                client.transport.close()
            else:
                client.transport.abort()
            await client.ended

    await asyncio.gather(*(visitor() for _ in range(AT_A_TIME)))


@pytest.mark.parametrize("driver", DRIVERS)
async def test_10000_sockets_that_came_and_went_leave_nothing(tmp_path, driver):
    ways = ["close", "hang up", "reset"]
    async with gateway(tmp_path, SECTIONS.format(driver)) as running:
        pid = running.process.pid
        await come_and_go(running, 2000, ways)  # what grows once, has
        await eventually(lambda: none_is_open(running), 30)
        before, files = resident(pid), descriptors(pid)
        await come_and_go(running, COME_AND_GO, ways)
        await eventually(lambda: none_is_open(running), 30)
        assert await running.metric("gatewright_sockets_total", driver=driver) == 12_000
        assert await running.metric("gatewright_events_total", type="disconnected") == 12_000
        assert resident(pid) - before < 12 * MEBIBYTE  # 1.2 KiB each would show
        assert abs(descriptors(pid) - files) <= 2
        await survived(running)
    gc.collect()


async def none_is_open(running):
    return await running.metric("gatewright_connections") == 0
