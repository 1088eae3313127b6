"""Rules for buses between nodes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, Final

import pytest

from gatewright.errors import BusUnavailable
from gatewright.model import Command, Publication, Receipt
from gatewright.plugin.host import Host
from gatewright.plugin.protocols import Bus
from gatewright.plugin.spec import Kind
from gatewright.testing.conformance.base import Case, Conformance
from gatewright.testing.conformance.rules import rule
from gatewright.testing.conformance.waiting import SECONDS, until, within
from gatewright.testing.opening import Around

__all__ = ["BusCase", "BusConformance"]

CLUSTER: Final = "cluster"
PAYLOADS: Final = (
    b"null",
    b"",
    b"\x00\xff\r\n",
    bytes(range(256)),
    "grüße ☃".encode(),
    b"x" * 70_000,
)
AT_ONCE: Final = 100


@dataclass(frozen=True, kw_only=True)
class BusCase(Case):
    """A bus under test. Backends with the same options share one bus.

    Attributes:
        unavailable: Options under which nothing can be published, such as the address of a server
            that is down; ``None``: there are none.
    """

    unavailable: dict[str, Any] | None = None


@dataclass
class Node:
    """One node's end of a bus, and what it was given.

    Attributes:
        host: What holds its backend.
        matching: How many connections each message matches here.
        given: The messages, in order.
    """

    host: Host[Bus]
    matching: int = 1
    given: list[Publication | Command] = field(default_factory=list)

    def deliver(self, message: Publication | Command) -> int:
        """Take a message."""
        self.given.append(message)
        return self.matching

    def start(self) -> None:
        """Start its bus."""
        self.host.start(partial(self.host.backend.run, self.deliver))

    @property
    def payloads(self) -> Sequence[bytes]:
        """What it was given, as payloads."""
        return [each.payload for each in self.given if isinstance(each, Publication)]

    async def publish(self, message: Publication | Command, *, count: bool = False) -> Receipt:
        """Publish from here."""
        return await within(self.host.backend.publish(message, count=count))


class BusConformance(Conformance[BusCase]):
    """Rules for a `gatewright.Bus`.

    Attributes:
        seconds: How long anything that must come is waited for.
    """

    kind: ClassVar[Kind] = "bus"
    seconds: ClassVar[float] = SECONDS

    def start(self, host: Host[Any]) -> None:
        """Start the bus, for a node without connections."""
        Node(host, 0).start()

    @asynccontextmanager
    async def node(self, case: BusCase, number: int = 1, matching: int = 1) -> AsyncIterator[Node]:
        """Open a node's end, which does not run yet."""
        async with self.open(case, Around(node_id=f"node-{number}")) as host:
            yield Node(host, matching)

    @asynccontextmanager
    async def nodes(self, case: BusCase, *matching: int) -> AsyncIterator[Sequence[Node]]:
        """Run nodes that share the bus, until all of them are ready."""
        async with AsyncExitStack() as stack:
            found = []
            for number, connections in enumerate(matching, 1):
                node = await stack.enter_async_context(self.node(case, number, connections))
                node.start()
                found.append(node)
            for node in found:
                await self.ready(node)
            yield found

    async def ready(self, node: Node) -> None:
        """Wait until a node's bus is ready."""
        await until(lambda: node.host.health().ready, "the bus is ready", self.seconds)

    async def given(self, node: Node, payloads: Iterable[bytes]) -> None:
        """Wait until a node was given all of these."""
        missing = set(payloads)
        await until(lambda: missing <= {*node.payloads}, "what was published", self.seconds)

    @rule("BUS-1", "What is published reaches its own node once, with all its fields.")
    async def test_bus_1_reaches_this_node(self, case: BusCase) -> None:
        sent = [
            Publication(("user:jürgen 42", "room:☃"), b"1", "id-1", "http/eu"),
            Publication((), b"2"),
            Publication(("user:42",), b"3", "", "http"),
            publication("end"),
        ]
        async with self.nodes(case, 1) as (node,):
            for each in sent:
                await node.publish(each)
            await self.given(node, [b"end"])
            assert sorted(node.given, key=payload_of) == sorted(sent, key=payload_of)

    @rule("BUS-2", "A payload is any bytes, and arrives byte for byte.")
    async def test_bus_2_keeps_payloads(self, case: BusCase) -> None:
        async with self.nodes(case, 1) as (node,):
            for each in PAYLOADS:
                await node.publish(Publication(("user:42",), each))
            await until(lambda: len(node.given) >= len(PAYLOADS), "all payloads", self.seconds)
            assert sorted(node.payloads) == sorted(PAYLOADS)

    @rule("BUS-3", "Commands arrive as well, with all their fields.")
    async def test_bus_3_carries_commands(self, case: BusCase) -> None:
        sent = [
            Command("disconnect", user_id="jürgen 42", code=4000, reason="grüße"),
            Command("disconnect", connection_id="connection-1"),
            Command("subjects", connection_id="connection-1", add=("a", "b ☃"), remove=("c",)),
        ]
        async with self.nodes(case, 1) as (node,):
            for each in sent:
                await node.publish(each)
            await until(lambda: len(node.given) >= len(sent), "all commands", self.seconds)
            assert node.given == sent

    @rule("BUS-4", "What is published one after the other arrives in that order.")
    async def test_bus_4_keeps_order(self, case: BusCase) -> None:
        payloads = [b"%d" % number for number in range(AT_ONCE)]
        async with self.nodes(case, 1) as (node,):
            for each in payloads:
                await node.publish(Publication(("user:42",), each))
            await self.given(node, payloads)
            assert node.payloads == payloads

    @rule("BUS-5", "Many publish at once, and each message arrives once.")
    async def test_bus_5_many_at_once(self, case: BusCase) -> None:
        sent = [publication(f"{number}-at-once") for number in range(AT_ONCE)]
        async with self.nodes(case, 1) as (node,):
            await asyncio.gather(*map(node.publish, sent))
            await node.publish(publication("end"))
            await self.given(node, [each.payload for each in sent] + [b"end"])
            assert set(Counter(node.payloads).values()) == {1}

    @rule("BUS-6", "With `count`, the receipt says how many connections matched, or at least did.")
    async def test_bus_6_counts(self, case: BusCase) -> None:
        async with self.nodes(case, 7) as (node,):
            await self.counted(node, 7)

    @rule(
        "BUS-7",
        "What is published before `run` runs, or after it was cancelled, raises `BusUnavailable`, "
        "or is delivered once it runs again; it is never taken and lost.",
    )
    async def test_bus_7_loses_nothing(self, case: BusCase) -> None:
        async with self.node(case) as node:
            taken = await self.accepted(node, "before")
            node.start()
            await self.ready(node)
            await node.host.stop_run(self.seconds)
            taken += await self.accepted(node, "after")
            node.start()
            await self.ready(node)
            await self.given(node, taken)

    @rule("BUS-8", "`run` ends when it is cancelled, and delivers again when it is started again.")
    async def test_bus_8_runs_again(self, case: BusCase) -> None:
        async with self.nodes(case, 1) as (node,):
            await node.host.stop_run(self.seconds)
            assert not node.host.abandoned, "it goes on"
            before = len(node.given)
            node.start()
            await self.ready(node)
            await node.publish(publication("again"))
            await self.given(node, [b"again"])
            assert node.payloads[before:].count(b"again") == 1

    @rule("BUS-9", "Publishing may be cancelled at any point: a message never arrives twice.")
    async def test_bus_9_may_be_cancelled(self, case: BusCase) -> None:
        async with self.nodes(case, 1) as (node,):
            for turns in range(12):
                publishing = asyncio.ensure_future(node.publish(publication(f"{turns}-cancelled")))
                for _ in range(turns):
                    await asyncio.sleep(0)
                publishing.cancel()
                done, _ = await asyncio.wait({publishing}, timeout=self.seconds)
                assert done, "it goes on"
            await node.publish(publication("end"))
            await self.given(node, [b"end"])
            assert set(Counter(node.payloads).values()) == {1}

    @rule("BUS-10", "While nothing can be published, it raises `BusUnavailable` and is not ready.")
    async def test_bus_10_says_that_it_cannot(self, case: BusCase) -> None:
        if case.unavailable is None:
            pytest.skip("the case knows no options under which nothing can be published")
        async with self.node(replace(case, options=case.unavailable)) as node:
            node.start()
            with pytest.raises(BusUnavailable):
                await node.publish(publication("lost"))
            assert not node.host.health().ready

    @rule("BUS-11", "What is published reaches every node, once.", capability=CLUSTER)
    async def test_bus_11_reaches_all_nodes(self, case: BusCase) -> None:
        sent = [Publication(("a ☃",), b"1", "id-1", "http/eu"), publication("end")]
        async with self.nodes(case, 1, 1) as (node, other):
            for each in sent:
                await node.publish(each)
            await self.given(other, [b"end"])
            assert sorted(other.given, key=payload_of) == sorted(sent, key=payload_of)

    @rule("BUS-12", "Other nodes see what one publishes in order, too.", capability=CLUSTER)
    async def test_bus_12_keeps_order_elsewhere(self, case: BusCase) -> None:
        payloads = [b"%d" % number for number in range(AT_ONCE)]
        async with self.nodes(case, 1, 1) as (node, other):
            for each in payloads:
                await node.publish(Publication(("user:42",), each))
            await self.given(other, payloads)
            assert [each for each in other.payloads if each in payloads] == payloads

    @rule("BUS-13", "With `count`, the connections of all nodes are counted.", capability=CLUSTER)
    async def test_bus_13_counts_all_nodes(self, case: BusCase) -> None:
        async with self.nodes(case, 7, 5) as (node, _):
            await self.counted(node, 12)

    async def accepted(self, node: Node, payload: str) -> list[bytes]:
        """Publish; return the payload if it was taken."""
        try:
            await node.publish(publication(payload))
        except BusUnavailable:
            return []
        return [payload.encode()]

    async def counted(self, node: Node, total: int) -> None:
        """Publish until all were counted, as a node that is busy may say too late how many."""
        async with asyncio.timeout(self.seconds):
            while True:
                receipt = await node.publish(publication("counted"), count=True)
                assert receipt.sent is not None, "not counted"
                assert receipt.sent <= total
                if receipt == Receipt(total):
                    return
                await asyncio.sleep(0.05)


def publication(payload: str) -> Publication:
    """Return a publication that is known by its payload."""
    return Publication(("user:42",), payload.encode())


def payload_of(message: Publication | Command) -> bytes:
    """Return what a publication is known by."""
    assert isinstance(message, Publication)
    return message.payload
