"""Thousands of handshakes while others are served; also a command: ``--clients 1000``.

Clients with good RS256 tokens, clients with forged ones and connections that never finish their
handshake come all at once. Whoever was connected misses nothing, the good get in, the bad are told
4401 and are gone within a second or so, and the unfinished are cut off.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.gateway import gateway
from tests.support.raw import close_frame, dial, until_closed, upgrade
from tests.support.receiver import receiver
from tests.support.survival import counted, descriptors, eventually, survived
from tests.support.tokens import public_pem, token
from websockets.asyncio.client import connect

SUBSCRIBERS = 5
WEBHOOK_POOL = 64
AT_ONCE = 200


@dataclass
class Outcome:
    """What a storm found.

    Attributes:
        accepted: Good handshakes that got in.
        codes: Close codes of the bad ones.
        gone_after: The longest that a refused connection lasted, in seconds.
        cut_after: The longest that an unfinished handshake lasted, in seconds.
        published: Numbers published during the storm.
        received: What each subscriber got of them.
        seconds: How long the good and the bad took.
    """

    accepted: int = 0
    codes: list = field(default_factory=list)
    gone_after: float = 0.0
    cut_after: float = 0.0
    published: int = 0
    received: list = field(default_factory=list)
    seconds: float = 0.0


async def come_in(running, slots, offered, outcome):
    """Shake hands with a good token, and leave."""
    async with slots:
        reader, writer = await dial(running.host)
        writer.write(upgrade(f"/ws?token={offered}"))
        head = await reader.readuntil(b"\r\n\r\n")
        outcome.accepted += head.startswith(b"HTTP/1.1 101")
        writer.transport.abort()


async def be_refused(running, slots, offered, outcome):
    """Shake hands with a bad token, and never answer the close."""
    async with slots:
        reader, writer = await dial(running.host)
        writer.write(upgrade(f"/ws?token={offered}"))
        await reader.readuntil(b"\r\n\r\n")
        outcome.codes.append((await close_frame(reader))[0])
        refused = time.monotonic()
        await until_closed(reader)
        outcome.gone_after = max(outcome.gone_after, time.monotonic() - refused)
        writer.transport.abort()


async def never_finish(running, number, outcome):
    """Send half a handshake; every other one goes on dripping."""
    reader, writer = await dial(running.host)
    began = time.monotonic()
    writer.write(upgrade()[:60])

    async def drip():
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.2)

    dripping = asyncio.create_task(drip()) if number % 2 else None
    await until_closed(reader, 30)
    outcome.cut_after = max(outcome.cut_after, time.monotonic() - began)
    if dripping is not None:
        dripping.cancel()
    writer.transport.abort()


async def publish_numbers(running, storm, outcome):
    """Publish numbers until the storm is over, and then the last one."""
    while not storm.done():
        await running.publish(outcome.published, "news")
        outcome.published += 1
    await running.publish("end", "news")


async def listen(client, outcome):
    got = []
    while (payload := json.loads(await client.recv())["payload"]) != "end":
        got.append(payload)
    outcome.received.append(got)


async def rage(running, clients, outcome):
    """All of it at once."""
    good, bad = token("storm"), token("storm")[:-8] + "AAAAAAAA"
    slots = asyncio.Semaphore(AT_ONCE)
    unfinished = [
        asyncio.create_task(never_finish(running, number, outcome)) for number in range(clients)
    ]
    began = time.monotonic()
    await asyncio.gather(
        *(come_in(running, slots, good, outcome) for _ in range(clients)),
        *(be_refused(running, slots, bad, outcome) for _ in range(clients)),
    )
    outcome.seconds = time.monotonic() - began
    await asyncio.gather(*unfinished)


async def run(directory, *, clients):
    """Run the scenario and return what came of it."""
    outcome = Outcome()
    (directory / "public.pem").write_bytes(public_pem())
    async with receiver() as backend:
        sections = (
            f"auth: {{jwt: {{public_key_file: '{directory}/public.pem', subjects_claim: s}}}}\n"
            f"limits: {{handshake_seconds: 2}}\nevents: {{webhook: {{url: '{backend.url}'}}}}\n"
            "lanes: {max_age: 120}\n"
        )
        async with gateway(directory, sections) as running:
            own = token("subscriber", s=["news"])
            subscribers = [await connect(f"{running.url}?token={own}") for _ in range(SUBSCRIBERS)]
            before = descriptors(running.process.pid)
            listening = [asyncio.create_task(listen(one, outcome)) for one in subscribers]
            async with counted(running, "gatewright_handshakes_total", result="refused"):
                storm = asyncio.create_task(rage(running, clients, outcome))
                await publish_numbers(running, storm, outcome)
                await asyncio.gather(storm, *listening)
            await eventually(lambda: is_calm(running, before))
            for result, count in (("refused", clients), ("accepted", clients + SUBSCRIBERS)):
                found = await running.metric("gatewright_handshakes_total", result=result)
                assert found == count, (result, found)
            await backend.events(2 * clients + SUBSCRIBERS, 60)
            await survived(running, own)
            assert len(backend.taken) == 2 * clients + SUBSCRIBERS  # none of the refused
            for one in subscribers:
                await one.close()
    return outcome


async def is_calm(running, before):
    """Whether only subscribers are left, and all descriptors given back but the webhook's."""
    left = await running.metric("gatewright_connections")
    return left == SUBSCRIBERS and descriptors(running.process.pid) <= before + WEBHOOK_POOL


def check(outcome, clients):
    """Assert what rows 34 and 35 promise."""
    assert outcome.accepted == clients
    assert outcome.codes == [4401] * clients
    assert outcome.published > 0
    assert outcome.received == [list(range(outcome.published))] * SUBSCRIBERS


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=1000, help="of each sort")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        outcome = asyncio.run(run(Path(directory), clients=options.clients))
    check(outcome, options.clients)
    print(
        f"{options.clients} good, {options.clients} forged and {options.clients} unfinished "
        f"handshakes: {outcome.seconds:.1f} s; refused gone after at most {outcome.gone_after:.2f} "
        f"s, unfinished cut off after at most {outcome.cut_after:.2f} s; {outcome.published} "
        f"numbers published meanwhile, all received by all of {SUBSCRIBERS}"
    )


if __name__ == "__main__":
    main()
