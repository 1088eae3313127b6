"""Buckets that never wait: each node spends at once, and settles with Redis behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final
from weakref import WeakValueDictionary

from redis.asyncio import Redis
from redis.exceptions import RedisError

from acme_shared_limit.settings import SharedLimitSettings
from gatewright import ConnectionInfo, Health, PluginContext

__all__ = ["Bucket", "SharedLimit"]

BATCH: Final = 500
"""Users that are settled in one round trip."""

PAUSE_SECONDS: Final = 0.5

_SETTLE: Final = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local left = {}
for i, key in ipairs(KEYS) do
  local known = redis.call('HMGET', key, 'tokens', 'at')
  local tokens, at = tonumber(known[1]) or burst, tonumber(known[2]) or now
  tokens = math.min(burst, tokens + math.max(0, now - at) * rate)
  tokens = math.max(-burst, tokens - tonumber(ARGV[2 + i]))
  redis.call('HSET', key, 'tokens', tostring(tokens), 'at', tostring(now))
  redis.call('PEXPIRE', key, math.ceil(2 * burst / rate * 1000) + 1000)
  left[i] = tostring(tokens)
end
return left
"""
"""Takes what was spent from each user's tokens, and returns what is left."""


class Bucket:
    """What this node believes a user has left; shared by the user's connections here."""

    __slots__ = ("__weakref__", "_at", "_limit", "spent", "tokens", "user_id")

    def __init__(self, limit: SharedLimit, user_id: str) -> None:
        self._limit = limit
        self._at = limit.now()
        self.user_id = user_id
        self.tokens = limit.burst
        self.spent = 0

    def admit(self) -> bool:
        """Spend one token, if there is a whole one; never waits."""
        limit = self._limit
        now = limit.now()
        self.tokens = min(limit.burst, self.tokens + (now - self._at) * limit.per_second)
        self._at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        self.spent += 1
        limit.wants(self)
        return True


class SharedLimit:
    """Admits by what this node knows, and learns from Redis what other nodes admitted.

    So a user may send ``burst`` messages to each node within one round trip, and no more than the
    limit allows from then on. While Redis is away, each node holds its own users to the limit.

    Attributes:
        per_second: Tokens that flow back each second.
        burst: Tokens of a user who was silent.
        now: The clock, in monotonic seconds.
    """

    def __init__(self, settings: SharedLimitSettings, context: PluginContext, redis: Redis) -> None:
        self.per_second = settings.per_second
        self.burst = settings.burst
        self.now: Callable[[], float] = context.clock.monotonic
        self._prefix = settings.prefix
        self._log = context.log
        self._settle = redis.register_script(_SETTLE)
        self._buckets: WeakValueDictionary[str, Bucket] = WeakValueDictionary()
        self._wanting: dict[Bucket, None] = {}
        self._wake = asyncio.Event()
        self._trouble = "not asked yet"
        self._wake.set()

    def admission(self, connection: ConnectionInfo) -> Bucket:
        """Return the bucket of the connection's user, for as long as one of them is connected."""
        bucket = self._buckets.get(connection.user_id)
        if bucket is None:
            bucket = self._buckets[connection.user_id] = Bucket(self, connection.user_id)
            self.wants(bucket)
        return bucket

    def wants(self, bucket: Bucket) -> None:
        """Have a bucket settled soon."""
        self._wanting[bucket] = None
        self._wake.set()

    async def run(self) -> None:
        """Settle, batch by batch, until cancelled."""
        while True:
            await self._wake.wait()
            try:
                await self._settled(list(islice(self._wanting, BATCH)))
            except (RedisError, OSError) as error:
                self._note(type(error).__name__)
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                self._note("")
            if not self._wanting and not self._trouble:
                self._wake.clear()

    def health(self) -> Health:
        """Ready while Redis answers; limits hold in either case."""
        return Health(ready=not self._trouble, detail=self._trouble)

    async def _settled(self, batch: Sequence[Bucket]) -> None:
        spent = [bucket.spent for bucket in batch]
        left = await self._settle(
            keys=[self._prefix + bucket.user_id for bucket in batch],
            args=[self.per_second, self.burst, *spent],
        )
        for bucket, paid, tokens in zip(batch, spent, left or (), strict=True):
            bucket.spent -= paid
            bucket.tokens = min(bucket.tokens, float(tokens) - bucket.spent)
            if not bucket.spent:
                self._wanting.pop(bucket, None)

    def _note(self, trouble: str) -> None:
        if trouble and not self._trouble:
            self._log.warning("limits are this node's alone", error=trouble)
        self._trouble = trouble
