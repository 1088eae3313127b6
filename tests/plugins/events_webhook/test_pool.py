"""One pool of connections: reused, never leaked, closed at the end."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import anyio
import pytest
from tests.plugins.events_webhook.harness import event, opened
from tests.plugins.events_webhook.receiver import Receiver, answer, close_after, drip, silence

from gatewright import Done, Outcome, Retry

pytestmark = pytest.mark.anyio


async def test_a_connection_serves_many_requests(receiver: Receiver) -> None:
    receiver.will(answer(200, body=b"ok"), answer(503), answer(404, body=b"x" * 10_000))
    async with opened(url=receiver.url) as webhook:
        for number in range(10):
            await webhook.send(event(number))

    assert len(receiver.received) == 10
    assert receiver.connections == 1


async def test_a_connection_that_the_receiver_closes_is_replaced(receiver: Receiver) -> None:
    receiver.will(close_after(answer(200, "Connection: close")))
    async with opened(url=receiver.url) as webhook:
        assert await webhook.send() == Done()
        assert await webhook.send() == Done()

    assert receiver.connections == 2


async def test_requests_run_side_by_side_over_as_many_connections(receiver: Receiver) -> None:
    arrived = asyncio.Event()
    together = asyncio.Barrier(65)  # all of them, and this test

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await together.wait()
        await arrived.wait()
        writer.write(answer(200))

    receiver.will(*[hold] * 64)
    async with opened(url=receiver.url) as webhook:
        sending = asyncio.gather(*(webhook.send(event(number)) for number in range(64)))
        await together.wait()
        arrived.set()
        assert await sending == [Done()] * 64

    assert receiver.connections == 64


async def test_cancelled_requests_leave_no_connection_behind(receiver: Receiver) -> None:
    """Cancel at every stage: connecting, sending, waiting, reading."""
    chance = random.Random(20)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n"
    steps = [answer(200), silence, drip(head), answer(200, body=b"x" * 60_000)]
    async with opened(url=receiver.url) as webhook:
        await webhook.send()
        receiver.will(*(chance.choice(steps) for _ in range(1000)))
        for _ in range(12):
            await asyncio.gather(
                *(_cancelled_after(webhook.send, chance.uniform(0, 0.03)) for _ in range(48))
            )
        receiver.script.clear()
        with anyio.fail_after(5):
            outcomes = await asyncio.gather(*(webhook.send(event(n)) for n in range(64)))
        assert outcomes == [Done()] * 64
        await receiver.closed_down_to(64)
    await receiver.closed_down_to(0)


async def _cancelled_after(send, seconds: float) -> None:
    with anyio.move_on_after(seconds):
        await send()


async def test_a_cancelled_request_is_given_up_at_once(receiver: Receiver) -> None:
    receiver.will(silence)
    async with opened(url=receiver.url) as webhook:
        with anyio.fail_after(2), anyio.move_on_after(0.05) as scope:
            await webhook.send()
        assert scope.cancelled_caught
        await receiver.closed_down_to(0)


async def test_many_timeouts_leave_room_for_the_next_request(receiver: Receiver) -> None:
    receiver.will(*[silence] * 128)
    async with opened(url=receiver.url, timeout_seconds=0.5) as webhook:
        for _ in range(2):
            outcomes: list[Outcome] = await asyncio.gather(
                *(webhook.send(event(number)) for number in range(64))
            )
            assert outcomes == [Retry("timed out after 0.5 s")] * 64
        receiver.script.clear()
        assert await webhook.send() == Done()


async def test_closing_the_sink_closes_its_connections(receiver: Receiver) -> None:
    before = _open_files()
    async with opened(url=receiver.url) as webhook:
        await asyncio.gather(*(webhook.send(event(number)) for number in range(8)))
        assert receiver.open_connections > 0
    await receiver.closed_down_to(0)

    assert _open_files() <= before


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
