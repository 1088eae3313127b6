"""A backend's webhook receiver, scripted: what it answers, and what it got."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Received:
    """One request.

    Attributes:
        body: Its bytes.
        headers: Its headers, case-insensitive.
    """

    body: bytes
    headers: object

    @property
    def event(self):
        return json.loads(self.body)

    @property
    def type(self):
        return self.event["type"]


@dataclass
class Receiver:
    """A running receiver.

    Attributes:
        answer: Called with each request and its number from 0; returns a status, or awaits one.
        requests: What came, answered with 2xx or not.
    """

    url: str
    answer: Callable
    requests: list = field(default_factory=list)
    taken: list = field(default_factory=list)

    async def until(self, wanted, seconds=15.0):
        """Wait until ``wanted(taken)`` holds, then return what was taken."""
        async with asyncio.timeout(seconds):
            while not wanted(self.taken):
                await asyncio.sleep(0.01)
        return self.taken

    async def requests_until(self, count, seconds=15.0):
        """Wait until ``count`` requests came, answered with 2xx or not."""
        async with asyncio.timeout(seconds):
            while len(self.requests) < count:
                await asyncio.sleep(0.01)

    async def events(self, count, seconds=15.0):
        """Wait for ``count`` events that were answered with 2xx; return their bodies."""
        await self.until(lambda taken: len(taken) >= count, seconds)
        return [one.event for one in self.taken]


@asynccontextmanager
async def receiver(answer=lambda _request, _number: 204, port=0):
    """Receive webhooks on a loopback port."""
    scripted = Receiver("", answer)

    async def handle(request):
        received = Received(await request.read(), request.headers)
        number = len(scripted.requests)
        scripted.requests.append(received)
        status = scripted.answer(received, number)
        if asyncio.iscoroutine(status):
            status = await status
        if isinstance(status, web.Response):
            return status
        if 200 <= status < 300:
            scripted.taken.append(received)
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/internal/ws/events", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    bound = runner.addresses[0][1]
    scripted.url = f"http://127.0.0.1:{bound}/internal/ws/events"
    try:
        yield scripted
    finally:
        await runner.cleanup()
