"""Nothing of a connection outlives it, whatever timers it had; and what lives is left in peace."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest
from websockets.asyncio.client import connect

from gatewright.server.garbage import YOUNG, spared

pytestmark = pytest.mark.anyio


async def test_a_socket_is_let_go_of_when_it_is_over(served_by):
    async with served_by(interval=600) as served:
        for _ in range(3):
            async with connect(served.url):
                pass
        async with asyncio.timeout(5):
            for session in served.sessions:
                await session.is_closed.wait()
        kind = type(session.socket)
        assert living(kind) >= 3
        served.sessions.clear()
        del session
        async with asyncio.timeout(5):
            while living(kind):
                gc.collect()
                await asyncio.sleep(0.01)


def living(kind):
    return sum(type(each) is kind for each in gc.get_objects())


def test_what_is_there_is_spared_and_what_comes_is_collected():
    class Ring:
        def __init__(self):
            self.me = self

    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    with spared():
        assert gc.get_freeze_count() > frozen + 1000
        assert gc.get_threshold() == (max(YOUNG, before[0]), *before[1:])
        ring = weakref.ref(Ring())
        gc.collect()
        assert ring() is None
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
