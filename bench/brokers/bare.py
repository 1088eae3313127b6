"""The bare loop that the Redis transport is held against, over the same client library.

    python -m bench.brokers.bare DSN COUNT

Reads COUNT entries that wait there, does nothing with them, and prints the CPU and wall seconds
that took.
"""

from __future__ import annotations

import sys
import time
from typing import Any

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


def main() -> None:
    """Run it and print what it took."""
    dsn, count = sys.argv[1], int(sys.argv[2])
    cpu, wall = time.process_time(), time.monotonic()
    uvloop.run(redis(dsn, count))
    print(time.process_time() - cpu, time.monotonic() - wall)


if __name__ == "__main__":
    main()
