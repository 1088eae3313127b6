"""A dead backend under a thousand messages a second; also a command: ``--seconds 600``.

Memory and disk stay within their bounds (the process may not even map more), every connection's
events keep their order, no socket notices, and events flow again when the backend is back.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.dead_webhook import free_port
from tests.support.gateway import gateway
from tests.support.receiver import receiver
from tests.support.survival import MEBIBYTE, resident, survived

CLIENTS = 20
PER_SECOND = 1000
TOTAL_BYTES = 2 * MEBIBYTE
FILE_BYTES = MEBIBYTE
KEPT = 2
MAPPED_MORE = 256 * MEBIBYTE


@dataclass
class Outcome:
    """What a run found.

    Attributes:
        sent: Messages that all clients sent.
        most_waiting: The most bytes seen in lanes.
        most_disk: The most bytes seen in dead letter files.
        memory: Resident memory before, and at its most.
        spilled: Events that became dead letters.
        written: Dead letters that were written down.
        pongs: How long each pong took.
        closed: Clients that lost their connection.
        delivered: What the backend got once it was back: (connection id, seq).
    """

    sent: int = 0
    most_waiting: float = 0.0
    most_disk: int = 0
    memory: tuple = (0, 0)
    spilled: float = 0.0
    written: float = 0.0
    pongs: list = field(default_factory=list)
    closed: int = 0
    delivered: list = field(default_factory=list)


def allow_no_more(pid):
    """Cap the address space of a process at what it has and a little more."""
    (size,) = [
        int(line.split()[1]) * 1024
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmSize")
    ]
    _, hard = resource.prlimit(pid, resource.RLIMIT_AS)
    resource.prlimit(pid, resource.RLIMIT_AS, (size + MAPPED_MORE, hard))


async def talk(client, until, outcome):
    """Send its share of the messages, and a ping among them now and then."""
    text = json.dumps({"padding": "p" * 1000})
    batch = PER_SECOND // CLIENTS // 5
    while time.monotonic() < until:
        began = time.monotonic()
        for _ in range(batch):
            await client.send(text)
        outcome.sent += batch
        asked = time.monotonic()
        await client.send('{"type":"ping"}')
        await asyncio.wait_for(client.recv(), 10)
        outcome.pongs.append(time.monotonic() - asked)
        await asyncio.sleep(max(0.0, 0.2 - (time.monotonic() - began)))


async def watch(running, directory, until, outcome):
    before = most = resident(running.process.pid)
    while time.monotonic() < until:
        await asyncio.sleep(0.25)
        most = max(most, resident(running.process.pid))
        waiting = await running.metric("gatewright_lane_bytes", sink="webhook")
        outcome.most_waiting = max(outcome.most_waiting, waiting)
        disk = sum(file.stat().st_size for file in directory.glob("letters.jsonl*"))
        outcome.most_disk = max(outcome.most_disk, disk)
    outcome.memory = (before, most)


async def run(directory, *, seconds):
    """Run the scenario and return what came of it."""
    outcome = Outcome()
    port = free_port()
    sections = (
        f"events: {{webhook: {{url: 'http://127.0.0.1:{port}/internal/ws/events'}}}}\n"
        "rate_limit: {token_bucket: {per_second: 0}}\n"
        f"lanes: {{events: 100, total_bytes: {TOTAL_BYTES}, max_age: 10}}\n"
        f"dead_letters: {{file: {{path: '{directory}/letters.jsonl', max_bytes: {FILE_BYTES}, "
        f"keep: {KEPT}}}}}\n"
    )
    async with gateway(directory, sections) as running:
        allow_no_more(running.process.pid)
        sockets = [await running.socket(str(number), max_queue=None) for number in range(CLIENTS)]
        until = time.monotonic() + seconds
        talking = (talk(client, until, outcome) for client in sockets)
        ended = await asyncio.gather(
            watch(running, directory, until, outcome), *talking, return_exceptions=True
        )
        outcome.closed = sum(isinstance(one, BaseException) for one in ended)
        outcome.closed += sum(client.close_code is not None for client in sockets)
        await survived(running)
        async with receiver(port=port) as backend:
            await asyncio.gather(*(client.close() for client in sockets))
            await backend.until(lambda taken: count_left(taken) == CLIENTS, 30)
            outcome.delivered = [
                (one.event["connection_id"], int(one.headers["X-Webhook-Seq"]))
                for one in backend.taken
            ]
        text = (await running.get("/metrics")).text
        outcome.spilled = total(text, "gatewright_spills_total{")
        outcome.written = total(text, "gatewright_dead_letters_total{")
    return outcome


def count_left(taken):
    return sum(one.type == "disconnected" for one in taken)


def total(metrics, prefix):
    lines = (line for line in metrics.splitlines() if line.startswith(prefix))
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def check(outcome):
    """Assert what row 23 promises."""
    assert outcome.closed == 0
    assert outcome.most_waiting <= TOTAL_BYTES
    assert 0 < outcome.most_disk <= (KEPT + 1) * FILE_BYTES + MEBIBYTE  # a batch may pass the mark
    before, most = outcome.memory
    assert most - before < 64 * MEBIBYTE
    assert outcome.written == outcome.spilled
    assert len(outcome.delivered) + outcome.spilled == outcome.sent + 2 * CLIENTS
    by_connection = defaultdict(list)
    for connection, seq in outcome.delivered:
        by_connection[connection].append(seq)
    assert len(by_connection) == CLIENTS
    assert all(seqs == sorted(seqs) for seqs in by_connection.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        outcome = asyncio.run(run(Path(directory), seconds=options.seconds))
    check(outcome)
    pongs = sorted(outcome.pongs)
    before, most = (size / MEBIBYTE for size in outcome.memory)
    print(
        f"{options.seconds:g} s: sent {outcome.sent}, dead letters {outcome.written:g}, delivered "
        f"{len(outcome.delivered)}; lanes at most {outcome.most_waiting / MEBIBYTE:.1f} MiB, disk "
        f"at most {outcome.most_disk / MEBIBYTE:.1f} MiB, memory {before:.0f} → {most:.0f} MiB; "
        f"pong p99 {pongs[int(len(pongs) * 0.99)] * 1000:.0f} ms"
    )


if __name__ == "__main__":
    main()
