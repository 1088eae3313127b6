"""HTTP connections between requests: kept a while, closed at the end, never cut in a request."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import asynccontextmanager

import pytest
from tests.support.served import serve_recorders
from websockets.asyncio.client import connect

from gatewright.config.settings import LimitSettings
from gatewright.server.app import GatewayApp
from gatewright.server.binding import bind
from gatewright.server.hypercorn.runner import Listener, hypercorn_config, serving

pytestmark = pytest.mark.anyio

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
ANSWER = b"HTTP/1.1 200 \r\n"


class Slow:
    """Answers when it is told to."""

    def __init__(self):
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, scope, receive, send):
        self.asked.set()
        await self.may_answer.wait()
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def served(app, seconds):
    """Serve ``app`` with so many seconds for an idle connection; yield the port and a stop."""
    bound = bind("server.bind", "127.0.0.1:0")
    config = hypercorn_config(LimitSettings(handshake_seconds=seconds))
    async with serving([Listener(bound, GatewayApp(app, None, "/ws"), config)]):
        yield bound.sock.getsockname()[1]
    bound.sock.close()


async def answered(reader):
    """Read one whole answer."""
    async with asyncio.timeout(5):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(ANSWER), head
        assert await reader.readexactly(2) == b"ok"


async def ended(reader):
    async with asyncio.timeout(10):
        assert await reader.read() == b""


async def test_a_connection_that_stays_silent_is_closed_before_and_after_its_requests():
    async with served(Slow(), 0.3) as port:
        silent, writer_a = await asyncio.open_connection("127.0.0.1", port)
        talking, writer_b = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer_b.write(REQUEST)
            await answered(talking)
        await asyncio.gather(ended(silent), ended(talking))
        writer_a.close()
        writer_b.close()


async def test_each_request_begins_the_time_anew_and_none_is_cut():
    app = Slow()
    async with served(app, 0.4) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        began = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - began < 0.8:
            writer.write(REQUEST)
            await answered(reader)
            await asyncio.sleep(0.05)  # shorter than the idle time, many times over
        app.asked.clear()
        app.may_answer.clear()
        writer.write(REQUEST)
        await app.asked.wait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.8)  # twice the idle time, within a request
        app.may_answer.set()
        await answered(reader)
        await ended(reader)
        writer.close()


async def test_a_request_that_came_while_the_loop_stood_still_is_answered():
    async with served(Slow(), 0.3) as port:
        loop = asyncio.get_running_loop()
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", port)) as client:
                await asyncio.sleep(0.1)  # it is accepted, and its time runs
                client.sendall(REQUEST)
                time.sleep(0.6)  # noqa: ASYNC251 - the loop stands still beyond the idle time
                client.settimeout(5)
                answer = await loop.run_in_executor(None, client.recv, 4096)
                assert answer.startswith(ANSWER)


async def test_idle_connections_are_closed_at_the_end_and_busy_ones_are_answered_first():
    app = Slow()
    async with served(app, 60) as port:
        idle, writer_a = await asyncio.open_connection("127.0.0.1", port)
        writer_a.write(REQUEST)
        await answered(idle)
        app.asked.clear()
        app.may_answer.clear()
        busy, writer_b = await asyncio.open_connection("127.0.0.1", port)
        writer_b.write(REQUEST)
        await app.asked.wait()
        told = asyncio.create_task(ended(idle))
        asyncio.get_running_loop().call_later(0.3, app.may_answer.set)
    await told
    await answered(busy)
    await ended(busy)
    writer_a.close()
    writer_b.close()


async def test_one_that_stops_serving_leaves_hypercorn_mended_for_the_others():
    first = serve_recorders(driver="direct")
    one = await first.__aenter__()
    second = serve_recorders(driver="direct")
    other = await second.__aenter__()
    async with connect(one.url) as client:
        await client.close(4001)
    await first.__aexit__(None, None, None)
    async with connect(other.url) as client:
        await client.send("still taken over")
        assert await client.recv() == "still taken over"
    await second.__aexit__(None, None, None)
