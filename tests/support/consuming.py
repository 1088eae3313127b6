"""Consumers in this process and in others, which can be killed, and what they have handled."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import asynccontextmanager
from textwrap import dedent

from gatewright_sdk.events import Events
from gatewright_sdk.model import Event

PROGRAM = """
import asyncio, json, logging, os, sys, time

from gatewright_sdk.events import Events, RabbitMqConsumer, RedisStreamConsumer
from gatewright_sdk.model import Event

kind, options, file, pause = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3], float(sys.argv[4])
logging.basicConfig(level=logging.INFO)
handled = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
events = Events()


@events.on(Event)
async def hear(event):
    await asyncio.sleep(pause)
    os.write(handled, f"{os.getpid()} {event.connection_id} {event.delivery.seq}\\n".encode())


consumer = {"redis": RedisStreamConsumer, "rabbitmq": RabbitMqConsumer}[kind](events, **options)
asyncio.run(consumer.run())
"""


class Told:
    """What the handlers were told; ``fails`` raises for some."""

    def __init__(self):
        self.events, self.changed = [], asyncio.Event()
        self.registry = Events()
        self.fails = lambda _event: False

        @self.registry.on(Event)
        async def hear(event):
            self.events.append(event)
            self.changed.set()
            if self.fails(event):
                raise LookupError

    def of(self, connection):
        return [each for each in self.events if each.connection_id == connection]

    async def until(self, holds, seconds=20):
        async with asyncio.timeout(seconds):
            while not holds():
                self.changed.clear()
                await self.changed.wait()


class Handled:
    """The lines that consumers wrote: process, connection, number of the event there."""

    def __init__(self, path):
        self.path = path

    def lines(self):
        text = self.path.read_text() if self.path.exists() else ""
        rows = [line.split() for line in text.splitlines()]
        return [(int(pid), connection, int(seq)) for pid, connection, seq in rows]

    async def until(self, holds, seconds=45):
        """Wait until ``holds(lines)``, and return them."""
        async with asyncio.timeout(seconds):
            while not holds(lines := self.lines()):
                await asyncio.sleep(0.02)
        return lines

    async def until_all(self, connections, each):
        """Wait until every event was handled at least once."""
        wanted = {(name, seq) for name in connections for seq in range(1, each + 1)}
        return await self.until(lambda lines: wanted <= {line[1:] for line in lines})


def first_times(lines):
    """Return each connection's numbers in the order in which they were handled first."""
    found: dict[str, list[int]] = {}
    for _, connection, seq in lines:
        if seq not in found.setdefault(connection, []):
            found[connection].append(seq)
    return found


@asynccontextmanager
async def consumer_process(kind, handled, pause=0.002, **options):
    """Run a consumer; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        dedent(PROGRAM),
        kind,
        json.dumps(options),
        str(handled.path),
        str(pause),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


def body_of(connection, type_="connected"):
    """Return an event of a connection."""
    fields = {"type": type_, "connection_id": connection, "user_id": "42"}
    return json.dumps(fields | {"subjects": [], "connected_at": 1}).encode()
