"""A webhook that is dead for minutes while clients talk; also a command: ``--seconds 180``.

Nobody is disconnected, pings are answered at once, memory stays within its budget, and when the
backend is back, what was delivered and what became dead letters add up to what was sent, each
connection's in order.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import socket
import statistics
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.gateway import gateway
from tests.support.receiver import receiver
from tests.support.survival import MEBIBYTE, resident, survived

MESSAGES_PER_SECOND = 5.0


@dataclass
class Outcome:
    """What a run found.

    Attributes:
        sent: Messages that all clients sent.
        delivered: Events the backend took: (connection id, seq).
        letters: Events in the dead letter file: (connection id, seq).
        ping_seconds: How long each pong took.
        closed: Clients that lost their connection.
        memory: The gateway's resident memory before, and at its most, in bytes.
        breaker_opened: Whether the breaker was seen open.
    """

    sent: int = 0
    delivered: list = field(default_factory=list)
    letters: list = field(default_factory=list)
    ping_seconds: list = field(default_factory=list)
    closed: int = 0
    memory: tuple = (0, 0)
    breaker_opened: bool = False


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


async def talk(client, number, until, outcome):
    """Send five messages a second, and a ping now and then that must be answered."""
    pause = 1 / MESSAGES_PER_SECOND
    await asyncio.sleep(pause * (number % 100) / 100)
    for count in itertools.count():
        if time.monotonic() >= until:
            return
        began = time.monotonic()
        await client.send(json.dumps({"client": number, "n": count}))
        outcome.sent += 1
        if count % 10 == number % 10:
            asked = time.monotonic()
            await client.send('{"type":"ping"}')
            await asyncio.wait_for(client.recv(), 10)
            outcome.ping_seconds.append(time.monotonic() - asked)
        await asyncio.sleep(max(0.0, pause - (time.monotonic() - began)))


async def watch(running, outcome, until):
    before = most = resident(running.process.pid)
    while time.monotonic() < until:
        await asyncio.sleep(0.5)
        most = max(most, resident(running.process.pid))
        if await running.metric("gatewright_breaker_open", sink="webhook") == 1:
            outcome.breaker_opened = True
    outcome.memory = (before, most)


async def run(directory, *, clients, seconds, max_age=30.0):
    """Run the scenario and return what came of it."""
    outcome = Outcome()
    port = free_port()
    sections = (
        f"events: {{webhook: {{url: 'http://127.0.0.1:{port}/internal/ws/events'}}}}\n"
        f"lanes: {{max_age: {max_age}}}\n"
        f"dead_letters: {{file: {{path: '{directory}/letters.jsonl', max_bytes: 10000000000}}}}\n"
        "server: {bind: '127.0.0.1:0', flush_seconds: 30}\n"
    )
    async with gateway(directory, sections) as running:
        sockets = [await running.socket(str(number), max_queue=None) for number in range(clients)]
        until = time.monotonic() + seconds
        talking = [talk(client, number, until, outcome) for number, client in enumerate(sockets)]
        ended = await asyncio.gather(
            watch(running, outcome, until), *talking, return_exceptions=True
        )
        outcome.closed = sum(isinstance(one, BaseException) for one in ended)
        outcome.closed += sum(client.close_code is not None for client in sockets)
        await survived(running)
        async with receiver(port=port) as backend:
            await asyncio.gather(*(client.close() for client in sockets))
            running.terminate()
            assert await running.exited(60) == 0
            outcome.delivered = [_place(one.event, one.headers) for one in backend.taken]
        outcome.letters = list(_letters(directory / "letters.jsonl"))
    return outcome


def _place(event, headers):
    return event["connection_id"], int(headers["X-Webhook-Seq"])


def _letters(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        letter = json.loads(line)
        yield letter["connection_id"], letter["seq"]


def check(outcome, clients):
    """Assert what row after row promises."""
    assert outcome.closed == 0
    everything = outcome.letters + outcome.delivered
    assert len(everything) == len(set(everything)), "an event was both delivered and dead-lettered"
    assert len(everything) == outcome.sent + 2 * clients
    for one_way in (outcome.letters, outcome.delivered):
        by_connection = defaultdict(list)
        for connection, seq in one_way:
            by_connection[connection].append(seq)
        assert all(seqs == sorted(seqs) for seqs in by_connection.values())
    assert outcome.breaker_opened
    before, most = outcome.memory
    assert most - before < (64 + 64) * MEBIBYTE  # the budget, and what Python makes of it


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--clients", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        outcome = asyncio.run(
            run(Path(directory), clients=options.clients, seconds=options.seconds)
        )
    check(outcome, options.clients)
    pings = sorted(outcome.ping_seconds)
    print(
        f"{options.clients} clients, {options.seconds:g} s: sent {outcome.sent}, "
        f"delivered {len(outcome.delivered)}, dead letters {len(outcome.letters)}, "
        f"disconnected {outcome.closed}; pong median {statistics.median(pings) * 1000:.1f} ms, "
        f"p99 {pings[int(len(pings) * 0.99)] * 1000:.1f} ms; memory "
        f"{outcome.memory[0] / MEBIBYTE:.0f} → {outcome.memory[1] / MEBIBYTE:.0f} MiB"
    )


if __name__ == "__main__":
    main()
