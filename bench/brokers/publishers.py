"""Backends: many publications put where they wait, and single ones at a rate."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import httpx
from redis.asyncio import Redis

from bench.brokers.places import API_KEY, Brokers
from gatewright.testing.ports import LOOPBACK

__all__ = ["SUBJECT", "Publish", "heap", "publisher"]

SUBJECT: Final = "user:bench"
Publish = Callable[[], Awaitable[None]]

_FILL: Final = "x" * 70


def _body() -> bytes:
    """Return a publication of about 120 bytes that carries the moment it was made."""
    payload = {"text": _FILL, "t": time.monotonic_ns()}
    return json.dumps({"subjects": [SUBJECT], "payload": payload}, separators=(",", ":")).encode()


async def heap(brokers: Brokers, count: int) -> None:
    """Put ``count`` publications where the gateway will find them."""
    async with Redis.from_url(brokers.redis.dsn) as client:
        for start in range(0, count, 5000):
            async with client.pipeline(transaction=False) as pipe:
                for _ in range(start, min(count, start + 5000)):
                    pipe.xadd("ws.outbox", {"data": _body()})
                await pipe.execute()


@asynccontextmanager
async def publisher(transport: str, brokers: Brokers, port: int) -> AsyncIterator[Publish]:
    """Publish one at a time through a transport; HTTP goes to the gateway at ``port``."""
    if transport == "http":
        async with httpx.AsyncClient(trust_env=False) as client:
            url = f"http://{LOOPBACK}:{port}/internal/publish"

            async def over_http() -> None:
                answer = await client.post(url, content=_body(), headers={"X-Api-Key": API_KEY})
                answer.raise_for_status()

            yield over_http
    else:
        async with Redis.from_url(brokers.redis.dsn) as redis:

            async def over_redis() -> None:
                await redis.xadd("ws.outbox", {"data": _body()})

            yield over_redis
