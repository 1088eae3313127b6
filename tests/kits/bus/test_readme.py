"""The README's bus works, and its metrics are those there are."""

import asyncio
import re
import sys
from types import ModuleType

import pytest
from prometheus_client import CollectorRegistry
from tests.kits.bus.harness import PATIENCE, Log, context_of, publication
from tests.support.markdown import ROOT, blocks_of
from tests.support.survival import eventually

from gatewright import Receipt
from gatewright_bus_kit.meter import Meter

pytestmark = pytest.mark.anyio

README = ROOT / "kits" / "bus" / "README.md"


def acme(log):
    """Make the broker of the example."""

    class Client:
        def __init__(self, url):
            self.place = len(log.messages)

        async def follow(self, topic):
            while True:
                for body in await log.beyond(self.place):
                    self.place += 1
                    yield body

        async def append(self, topic, messages):
            await log.append(list(messages))

    module = ModuleType("acme_broker")
    module.Client, module.AcmeError = Client, ConnectionError
    return module


async def test_the_bus_of_the_readme_works(monkeypatch):
    (block,) = blocks_of(README, "python")
    log = Log()
    monkeypatch.setitem(sys.modules, "acme_broker", acme(log))
    names = {"__name__": "acme_bus"}
    monkeypatch.setitem(sys.modules, "acme_bus", ModuleType("acme_bus"))
    exec(compile(block.text, str(README), "exec"), names)  # noqa: S102 - our own page
    factory = names["gatewright_bus"]()
    given = []

    def deliver(message):
        given.append(message)
        return 3

    async with factory.open(factory.settings(), context_of("n1", CollectorRegistry())) as bus:
        task = asyncio.create_task(bus.run(deliver))
        await eventually(lambda: ready(bus), PATIENCE)
        receipt = await bus.publish(publication(1), count=True)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    assert (receipt, given) == (Receipt(3, exact=True), [publication(1)])


async def ready(bus):
    return bus.health().ready


def test_every_metric_is_there_with_its_type_and_labels():
    row = re.compile(r"^\| `(gatewright_bus_\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)
    rows = row.findall(README.read_text())
    shown = {(name.removesuffix("_total"), kind, labels.strip("` ")) for name, kind, labels in rows}
    meter = Meter(CollectorRegistry())

    there = {(one._name, one._type, ", ".join(one._labelnames)) for one in meter._all}
    assert shown == there
