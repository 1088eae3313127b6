"""Backends behind real servers, in the test's own process, and what a gateway would send them."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import time
from contextlib import asynccontextmanager

import uvicorn
from hypercorn.asyncio import serve
from hypercorn.config import Config

from gatewright.testing.ports import LOOPBACK, free_port
from gatewright_events_webhook.signing import Signer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PATH = "/internal/ws/events"
CONNECTED = {
    "type": "connected",
    "connection_id": "c1",
    "user_id": "42",
    "subjects": ["user:42"],
    "connected_at": 1700000000,
}


def event_body(type_="connected", **fields):
    """Return an event as a gateway writes it."""
    more = {"message": {"say": "hi"}, "raw": '{"say":"hi"}'} if type_ == "message_received" else {}
    return json.dumps(CONNECTED | {"type": type_} | more | fields).encode()


def signed(body, secret=SECRET, **more):
    """Return the headers that a gateway sends with a body."""
    headers = Signer(secret).headers("e1", body, int(time.time()))
    return (
        {"Content-Type": "application/json", "Webhook-Id": "e1", "X-Webhook-Seq": "3"}
        | headers
        | more
    )


@asynccontextmanager
async def under_uvicorn(app, **options):
    """Serve an application, and yield its address."""
    bound = socket.create_server((LOOPBACK, 0))
    config = uvicorn.Config(app, log_config=None, **options)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        async with asyncio.timeout(20):
            while not server.started:
                assert not serving.done(), serving.result()
                await asyncio.sleep(0.01)
        yield f"http://{LOOPBACK}:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def under_hypercorn(app):
    """Serve an application, and yield its address."""
    config, ended = Config(), asyncio.Event()
    config.bind = [f"{LOOPBACK}:{free_port()}"]
    config.graceful_timeout = 0.1
    config.errorlog = logging.getLogger("hypercorn.error")  # given, it keeps its level
    serving = asyncio.create_task(serve(app, config, shutdown_trigger=ended.wait))
    host, _, port = config.bind[0].rpartition(":")
    try:
        async with asyncio.timeout(20):
            while not await _listens(host, int(port)):
                assert not serving.done(), serving.result()
                await asyncio.sleep(0.01)
        yield f"http://{config.bind[0]}"
    finally:
        ended.set()
        await serving


async def _listens(host, port):
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
