"""Minutes of everything at once, on one socket driver; at the end all counts add up.

    python -m tests.faults.soak --seconds 600 [--driver direct|asgi]

Steady clients must hear every publication once, in order. Others come and go, talk, vanish without
a word, or stop reading. Memory, descriptors and counters are compared between the first half
of the time and the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from tests.support.gateway import API_KEY, gateway, http_client
from tests.support.survival import MEBIBYTE, descriptors_at_rest, eventually, resident, survived
from websockets.exceptions import ConnectionClosed, InvalidHandshake

STEADY = 20
PASSING = 20
SLOW = 2
GROWTH_BYTES = 64 * MEBIBYTE

SECTIONS = """
server: {{bind: "127.0.0.1:0", socket_driver: {driver}}}
limits: {{send_buffer_bytes: 200000}}
rate_limit: {{token_bucket: {{per_second: 0}}}}
events: {{none: {{}}}}
"""


@dataclass
class Outcome:
    """What happened.

    Attributes:
        published: How many publications were accepted; they are the numbers from 0.
        heard: What each steady client heard.
        sent: Messages that clients of all kinds have surely sent and stayed for.
        slow_closed: Slow clients that were closed with 4008.
        memory: Resident bytes after the first half, and at the end.
        descriptors: Descriptors at rest, before and after.
        counters: The gateway's own counts at the end.
    """

    published: int = 0
    heard: list = field(default_factory=list)
    sent: int = 0
    slow_closed: int = 0
    memory: tuple = (0, 0)
    descriptors: tuple = (0, 0)
    counters: dict = field(default_factory=dict)


class _Soak:
    def __init__(self, running, seconds):
        self.running = running
        self.ends = time.monotonic() + seconds
        self.outcome = Outcome()

    @property
    def over(self):
        return time.monotonic() >= self.ends

    async def run(self):
        steady = [asyncio.create_task(self.steady(number)) for number in range(STEADY)]
        await eventually(lambda: self.counts("gatewright_connections", STEADY))
        publishing = asyncio.create_task(self.publish())
        passing = [asyncio.create_task(self.pass_by(number)) for number in range(PASSING)]
        slow = [asyncio.create_task(self.read_nothing(number)) for number in range(SLOW)]
        await asyncio.gather(*passing, *slow)
        await publishing
        self.outcome.heard = await asyncio.gather(*steady)

    async def counts(self, metric, number):
        return await self.running.metric(metric) == number

    async def publish(self):
        """Publish numbers to everybody, now and then several at a time."""
        async with http_client() as client:
            while not self.over:
                count = random.choice((1, 1, 4, 32))
                first = self.outcome.published
                messages = [
                    {"subjects": ["user:all"], "payload": first + each} for each in range(count)
                ]
                answer = await client.post(
                    f"{self.running.http}/internal/publish",
                    json={"messages": messages},
                    headers={"X-Api-Key": API_KEY},
                )
                answer.raise_for_status()
                self.outcome.published += count
                await asyncio.sleep(random.random() / 20)
            end = {"subjects": ["user:all"], "payload": "end"}
            await client.post(
                f"{self.running.http}/internal/publish",
                json=end,
                headers={"X-Api-Key": API_KEY},
            )

    async def steady(self, number):
        heard = []
        async with self.running.socket("all", max_queue=None) as client:
            while True:
                message = json.loads(await client.recv())
                if message["type"] != "event":
                    continue
                if message["payload"] == "end":
                    return heard
                heard.append(message["payload"])
                if len(heard) % 50 == number:
                    await client.send('{"type":"ping"}')

    async def pass_by(self, number):
        """Come, talk, and go in one way or another."""
        while not self.over:
            with suppress(ConnectionClosed, InvalidHandshake, OSError):
                async with self.running.socket(f"p{number}", max_queue=None) as client:
                    for each in range(random.randrange(10)):
                        await client.send(json.dumps({"n": each}))
                        self.outcome.sent += 1
                    await client.send('{"type":"ping"}')
                    while json.loads(await client.recv())["type"] != "pong":
                        pass
                    if random.random() < 0.3:
                        client.transport.abort()
            await asyncio.sleep(random.random() / 10)

    async def read_nothing(self, number):
        """Stop reading what floods in, and be closed for it; once in any case."""
        rounds = 0
        while not self.over or not rounds:
            async with self.running.socket(f"slow{number}", max_queue=1) as client:
                client.transport.pause_reading()
                with suppress(httpx.HTTPError):
                    for _ in range(400):
                        await self.running.publish("x" * 20_000, f"user:slow{number}")
                        if self.over and rounds:
                            break
                rounds += 1
                client.transport.abort()
        self.outcome.slow_closed = int(await self.running.metric("gatewright_slow_closes_total"))


async def run(directory, *, seconds, driver="direct"):
    """Run a gateway and everybody around it; return what happened."""
    async with gateway(directory, SECTIONS.format(driver=driver)) as running:
        soak = _Soak(running, seconds)
        before = await descriptors_at_rest(running)
        soaking = asyncio.create_task(soak.run())
        await asyncio.wait({soaking}, timeout=seconds / 2)
        early = resident(running.process.pid)
        await soaking
        await eventually(lambda: soak.counts("gatewright_connections", 0), 20)
        outcome = soak.outcome
        outcome.memory = (early, resident(running.process.pid))
        outcome.descriptors = (before, await descriptors_at_rest(running))
        for kind in ("connected", "message_received", "disconnected"):
            outcome.counters[kind] = await running.metric("gatewright_events_total", type=kind)
        await survived(running)
    return outcome


def check(outcome):
    """Assert that nothing was lost, doubled, disordered or kept."""
    assert outcome.published > 0
    for heard in outcome.heard:
        assert heard == list(range(outcome.published))
    assert outcome.counters["connected"] == outcome.counters["disconnected"] > STEADY
    assert outcome.counters["message_received"] == outcome.sent > 0
    assert outcome.slow_closed >= SLOW
    assert outcome.descriptors[1] <= outcome.descriptors[0] + 2
    assert outcome.memory[1] - outcome.memory[0] < GROWTH_BYTES


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--driver", choices=["direct", "asgi", "both"], default="both")
    options = parser.parse_args()
    drivers = ["direct", "asgi"] if options.driver == "both" else [options.driver]
    for driver in drivers:
        with tempfile.TemporaryDirectory() as directory:
            outcome = asyncio.run(
                run(Path(directory), seconds=options.seconds / len(drivers), driver=driver)
            )
        check(outcome)
        print(
            f"{driver}: {outcome.published} publications to each of {STEADY}, "
            f"{outcome.counters['connected']:.0f} connections, {outcome.sent} messages, "
            f"{outcome.slow_closed} slow consumers closed, memory "
            f"{outcome.memory[0] // MEBIBYTE} to {outcome.memory[1] // MEBIBYTE} MiB, "
            f"descriptors {outcome.descriptors[0]} to {outcome.descriptors[1]}"
        )


if __name__ == "__main__":
    main()
