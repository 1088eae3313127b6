"""The steps of a graceful stop: their order, and what cuts them short."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import CapturingLogger
from tests.support.doubles import FakeSocket

from gatewright.server.drain import Drain, close_sockets

pytestmark = pytest.mark.anyio


class Steps:
    """A drain that notes what it does; ``hanging`` and ``failing`` name steps that do so."""

    def __init__(self, *, hanging=(), failing=()):
        self.taken = []
        self.hanging = hanging
        self.failing = failing
        self.log = CapturingLogger()
        self.now = asyncio.Event()

    async def step(self, name):
        self.taken.append(name)
        if name in self.failing:
            raise RuntimeError(name)
        if name in self.hanging:
            await asyncio.Event().wait()

    def drain(self, members=()):
        return Drain(
            stop_taking=lambda: self.step("stop taking"),
            members=lambda: members,
            empty=lambda: self.step("empty"),
            stop_readers=lambda: self.step("stop readers"),
            flush=lambda seconds: self.step(f"flush {seconds:g}"),
            drain_seconds=0.1,
            flush_seconds=60,
            log=self.log,
        )


async def test_readers_stop_after_the_last_socket_and_before_the_flush():
    steps = Steps()
    await steps.drain().run(steps.now)
    assert steps.taken == ["stop taking", "empty", "empty", "stop readers", "flush 60"]


@pytest.mark.parametrize("hanging", ["stop taking", "stop readers", "flush 60"])
async def test_once_it_is_now_no_step_holds_up_the_rest(hanging):
    steps = Steps(hanging=[hanging])
    draining = asyncio.create_task(steps.drain().run(steps.now))
    async with asyncio.timeout(5):
        while hanging not in steps.taken:
            await asyncio.sleep(0)
        steps.now.set()
        await draining
    assert steps.taken[-1] == "flush 0"


@pytest.mark.parametrize("failing", ["stop taking", "stop readers", "flush 60"])
async def test_a_step_that_fails_is_told_and_not_the_last(failing):
    steps = Steps(failing=[failing])
    await steps.drain().run(steps.now)
    assert steps.taken[-1] == "flush 60"
    errors = [call.kwargs for call in steps.log.calls if call.method_name == "error"]
    assert errors == [{"step": failing.split(" 60")[0], "error": "RuntimeError"}]


async def test_who_does_not_go_in_time_is_dropped():
    socket = FakeSocket()
    steps = Steps(hanging=["empty"])
    await steps.drain([socket]).run(steps.now)
    assert socket.closed[0] == 1012
    assert socket.aborted


async def test_hints_are_spread_and_everybody_gets_one():
    sockets = [FakeSocket() for _ in range(200)]
    await close_sockets(sockets, 0.05)
    hints = [int(socket.closed[1].removeprefix("retry=")) for socket in sockets]
    assert len(set(hints)) > 50
    assert max(hints) <= 1000
