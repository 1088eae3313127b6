"""The bare loops that the plugins are held against, each over the same client library.

    python -m bench.brokers.bare redis DSN COUNT
    python -m bench.brokers.bare rabbitmq DSN COUNT

Reads COUNT messages that wait there, does nothing with them (RabbitMQ: acknowledges each as the
library's documentation shows it), and prints the CPU and wall seconds that took.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import aio_pika
import uvloop
from redis.asyncio import Redis

__all__ = ["main"]


async def redis(dsn: str, count: int) -> None:
    """Read the stream to its end."""
    client = Redis.from_url(dsn, protocol=2)
    cursor, seen = "0-0", 0
    while seen < count:
        reply: Any = await client.xread({"ws.outbox": cursor}, count=1000, block=2000)
        ((_, entries),) = reply
        cursor = entries[-1][0]
        for _, fields in entries:
            seen += b"data" in fields
    await client.aclose()


async def rabbitmq(dsn: str, count: int) -> None:
    """Consume and acknowledge."""
    connection = await aio_pika.connect(dsn)
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=256)
        queue = await channel.declare_queue("ws.outbox", passive=True)
        done = asyncio.Event()
        left = count

        async def consume(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            nonlocal left
            await message.ack()
            left -= 1
            if not left:
                done.set()

        await queue.consume(consume)
        await done.wait()


def main() -> None:
    """Run one and print what it took."""
    which, dsn, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    cpu, wall = time.process_time(), time.monotonic()
    uvloop.run({"redis": redis, "rabbitmq": rabbitmq}[which](dsn, count))
    print(time.process_time() - cpu, time.monotonic() - wall)


if __name__ == "__main__":
    main()
