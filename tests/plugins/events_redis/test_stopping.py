"""Sink and store end when they are stopped, also in the middle of a question to Redis."""

from __future__ import annotations

import asyncio

import pytest

from gatewright.testing.opening import opened
from gatewright_events_redis import gatewright_dead_letters, gatewright_events

pytestmark = pytest.mark.anyio

FACTORIES = {"events": gatewright_events(), "dead_letters": gatewright_dead_letters()}


@pytest.mark.parametrize("kind", FACTORIES)
async def test_it_ends_whenever_it_is_cancelled(redis, kind):
    async with opened(kind, FACTORIES[kind], {"dsn": redis.dsn}) as host:
        for turns in range(40):
            running = asyncio.create_task(host.backend.run())
            for _ in range(turns % 20):
                await asyncio.sleep(0)
            if turns >= 20:  # with the answer just in
                await asyncio.sleep(0.0005 * (turns - 19))
            running.cancel()
            done, _ = await asyncio.wait({running}, timeout=4)
            assert done, f"cancelled after {turns} turns, it goes on"
