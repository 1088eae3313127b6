"""A broker in memory, to be broken as no real one can be, and nodes that share it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from prometheus_client import CollectorRegistry
from structlog.testing import LogCapture
from tests.support.survival import eventually

from gatewright import Command, PluginContext, Publication
from gatewright_bus_kit import BusCore

BEAT = 0.2
PATIENCE = 20.0


class Log:
    """What a broker keeps: everything that was sent, in order."""

    def __init__(self):
        self.messages = []
        self._grown = asyncio.Condition()

    async def append(self, messages):
        self.messages += messages
        async with self._grown:
            self._grown.notify_all()

    async def beyond(self, place):
        async with self._grown:
            await self._grown.wait_for(lambda: len(self.messages) > place)
        return self.messages[place:]


class MemoryLink:
    """A node's way to the log. `refusing`, `storing` and `deaf` are its toxics."""

    def __init__(self, log):
        self.log = log
        self.place = len(log.messages)
        self.refusing = ""  # the reason that is answered
        self.storing = True  # whether what is refused is stored all the same
        self.deaf = False
        self.ends_well = False  # whether reading returns when it breaks
        self.breaks = asyncio.Event()
        self.batches = []

    async def read(self, receive):
        self.breaks.clear()
        broken = asyncio.ensure_future(self.breaks.wait())
        try:
            while not self.breaks.is_set():
                more = asyncio.ensure_future(self.log.beyond(self.place))
                try:
                    await asyncio.wait({more, broken}, return_when=asyncio.FIRST_COMPLETED)
                    if more.done():
                        self._take(more.result(), receive)
                finally:
                    more.cancel()
        finally:
            broken.cancel()
        if not self.ends_well:
            raise ConnectionResetError

    def _take(self, messages, receive):
        self.place += len(messages)
        if not self.deaf:
            for each in messages:
                receive(each)

    async def send(self, messages):
        self.batches.append(len(messages))
        if not self.refusing:
            await self.log.append(messages)
            return [None] * len(messages)
        if self.storing:
            await self.log.append(messages)
        return [self.refusing] * len(messages)


def context_of(node_id, metrics, captured=None):
    return PluginContext(
        name="memory",
        log=structlog.wrap_logger(None, processors=[captured or LogCapture()]),
        metrics=metrics,
        node_id=node_id,
        spawn=lambda *_: None,
    )


class Node:
    """One node's bus, started again as the gateway does, and what it was given."""

    def __init__(self, name, log, *, matching=1, timeout=2.0, beat_seconds=BEAT):
        self.link = MemoryLink(log)
        self.metrics = CollectorRegistry()
        self.captured = LogCapture()
        self.matching = matching
        self.given = []
        self.ends = []
        context = context_of(name, self.metrics, self.captured)
        self.core = BusCore(context, publish_timeout=timeout, beat_seconds=beat_seconds)

    def deliver(self, message):
        self.given.append(message)
        return self.matching

    @property
    def payloads(self):
        return [int(each.payload) for each in self.given if isinstance(each, Publication)]

    @property
    def commands(self):
        return [each for each in self.given if isinstance(each, Command)]

    def counted(self, name, **labels):
        return self.metrics.get_sample_value(f"gatewright_bus_{name}_total", labels) or 0

    async def publish(self, number, *, count=False):
        return await self.core.publish(publication(number), count=count)

    async def keep_running(self):
        while True:
            try:
                await self.core.run(self.deliver, self.link)
            except Exception as error:  # noqa: BLE001 - started again, whatever it was
                self.ends.append(error)
                await asyncio.sleep(0.05)

    async def ready(self):
        return self.core.health().ready

    async def red(self):
        return not self.core.health().ready

    async def until(self, count):
        async def there():
            return len(self.payloads) >= count

        await eventually(there, PATIENCE)


def publication(number):
    return Publication(("s",), str(number).encode())


@asynccontextmanager
async def running(node, *, ready=True):
    task = asyncio.create_task(node.keep_running())
    try:
        if ready:
            await eventually(node.ready, PATIENCE)
        yield node
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        node.core.close()


@asynccontextmanager
async def nodes(*matching, **options):
    log = Log()
    async with AsyncExitStack() as stack:
        made = [
            await stack.enter_async_context(
                running(Node(f"n{number}", log, matching=each, **options))
            )
            for number, each in enumerate(matching)
        ]
        await eventually(lambda: know(made, len(made)), PATIENCE)
        yield made


async def know(made, count):
    return all(each.core.health().facts["nodes"] == count for each in made)
