"""Backends: many publications put where they wait, and single ones at a rate."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import aio_pika
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


async def heap(transport: str, brokers: Brokers, count: int) -> None:
    """Put ``count`` publications where the gateway will find them."""
    if transport == "redis_stream":
        await _heap_redis(brokers, count)
    else:
        await _heap_rabbitmq(brokers, count)


async def _heap_redis(brokers: Brokers, count: int) -> None:
    async with Redis.from_url(brokers.redis.dsn) as client:
        for start in range(0, count, 5000):
            async with client.pipeline(transaction=False) as pipe:
                for _ in range(start, min(count, start + 5000)):
                    pipe.xadd("ws.outbox", {"data": _body()})
                await pipe.execute()


async def _heap_rabbitmq(brokers: Brokers, count: int) -> None:
    connection = await aio_pika.connect(brokers.rabbitmq.dsn)
    async with connection:
        channel = await connection.channel(publisher_confirms=False)
        exchange = await _declared(channel)
        for _ in range(count):
            await exchange.publish(_message(), "ws.outbox")
        confirming = await connection.channel()
        queue = await confirming.declare_queue("ws.outbox", passive=True)
        assert queue.declaration_result.message_count is not None


async def _declared(
    channel: aio_pika.abc.AbstractChannel,
) -> aio_pika.abc.AbstractExchange:
    exchange = await channel.declare_exchange("ws.outbox", durable=True)
    queue = await channel.declare_queue("ws.outbox", durable=True)
    await queue.bind(exchange, "ws.outbox")
    return exchange


def _message() -> aio_pika.Message:
    persistent = aio_pika.DeliveryMode.PERSISTENT
    return aio_pika.Message(_body(), content_type="application/json", delivery_mode=persistent)


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
    elif transport == "redis_stream":
        async with Redis.from_url(brokers.redis.dsn) as redis:

            async def over_redis() -> None:
                await redis.xadd("ws.outbox", {"data": _body()})

            yield over_redis
    else:
        connection = await aio_pika.connect(brokers.rabbitmq.dsn)
        async with connection:
            exchange = await _declared(await connection.channel())

            async def over_rabbitmq() -> None:
                await exchange.publish(_message(), "ws.outbox")

            yield over_rabbitmq
