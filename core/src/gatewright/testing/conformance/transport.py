"""Rules for transports."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, Final

import pytest

from gatewright.errors import BusUnavailable, InvalidPublication
from gatewright.plugin.host import Host
from gatewright.plugin.protocols import Transport
from gatewright.plugin.spec import Kind
from gatewright.testing.conformance.base import Case, Conformance
from gatewright.testing.conformance.rules import rule
from gatewright.testing.conformance.waiting import PAUSE, SECONDS, until
from gatewright.testing.doubles import Surroundings
from gatewright.testing.opening import Around
from gatewright.wire.publication import PublicationLimits

__all__ = ["TransportCase", "TransportConformance"]

LIMITS: Final = PublicationLimits()
PAYLOADS: Final = (
    b'{ "a" : 1.0,\t"a":1e2 }',
    '"grüße ☃ \\u00fc"'.encode(),
    b"-0.0",
    b'"' + b"x" * 70_000 + b'"',
)
POISON: Final = (b"", b"{", b"\xff\xfe", b"[]", b'{"subjects": 1, "payload": 1}', b"[" * 5000)


@dataclass(frozen=True, kw_only=True)
class TransportCase(Case):
    """A transport under test.

    Attributes:
        submit: Hands a message to the transport as a publisher does, whatever its bytes; raises
            where the publisher is told that it was not taken. It gets the open backend, whose
            ``routes()`` it may ask.
        away: Options under which nothing can be read, such as the address of a server that is
            down; ``None``: there are none.
    """

    submit: Callable[[Any, bytes], Awaitable[None]]
    away: dict[str, Any] | None = None


@dataclass
class Carrying:
    """A transport that runs, and what it publishes."""

    case: TransportCase
    host: Host[Transport]
    seconds: float
    gateway: Surroundings = field(default_factory=Surroundings)

    async def start(self) -> None:
        """Start it, and wait until it is ready."""
        self.host.start(partial(self.host.backend.run, self.gateway.publish))
        await until(lambda: self.host.health().ready, "the transport is ready", self.seconds)

    @property
    def payloads(self) -> list[bytes]:
        """What it published."""
        return [each.payload for each in self.gateway.published]

    async def offer(self, data: bytes) -> bool:
        """Submit once; tell whether it was taken."""
        try:
            await self.case.submit(self.host.backend, data)
        except Exception:  # noqa: BLE001 - however a publisher is told
            return False
        return True

    async def submit(self, *messages: bytes) -> None:
        """Submit messages one after the other, each until it is taken, as publishers do."""
        async with asyncio.timeout(self.seconds):
            for each in messages:
                await self._submit(each)

    async def _submit(self, data: bytes) -> None:
        while True:
            if await self.offer(data):
                return
            await asyncio.sleep(PAUSE)

    async def published(self, *payloads: bytes) -> None:
        """Wait until all of these are published."""
        missing = set(payloads)
        await until(lambda: missing <= {*self.payloads}, "what was submitted", self.seconds)


class TransportConformance(Conformance[TransportCase]):
    """Rules for a `gatewright.Transport`.

    Attributes:
        seconds: How long anything that must come is waited for.
    """

    kind: ClassVar[Kind] = "transport"
    seconds: ClassVar[float] = SECONDS

    def start(self, host: Host[Any]) -> None:
        """Start the transport, for a gateway that takes everything."""
        host.start(partial(host.backend.run, Surroundings().publish))

    @asynccontextmanager
    async def carrying(self, case: TransportCase) -> AsyncIterator[Carrying]:
        """Run the transport, and yield once it has published something."""
        gateway = Surroundings()
        async with self.open(case, Around(gateway=gateway)) as host:
            carrying = Carrying(case, host, self.seconds, gateway)
            await carrying.start()
            await carrying.submit(message(b'"first"'))
            await carrying.published(b'"first"')
            gateway.published.clear()
            yield carrying

    @rule("TRANSPORT-1", "`reach` is `cluster` or `node`, and stays what it is.")
    async def test_transport_1_states_its_reach(self, case: TransportCase) -> None:
        async with self.open(case) as host:
            before = host.backend.reach
            assert before in {"cluster", "node"}
            self.start(host)
            await asyncio.sleep(0)
            assert host.backend.reach == before

    @rule(
        "TRANSPORT-2",
        "A publication arrives once, with its subjects and id; its source is the plugin's name.",
    )
    async def test_transport_2_publishes(self, case: TransportCase) -> None:
        subjects = ("user:jürgen 42", "room:☃")
        async with self.carrying(case) as carrying:
            await carrying.submit(message(b"1", subjects, id="id-ü"), message(b'"end"'))
            await carrying.published(b"1", b'"end"')
            assert carrying.payloads.count(b"1") == 1
            found = carrying.gateway.published[carrying.payloads.index(b"1")]
            assert (found.subjects, found.id, found.source) == (subjects, "id-ü", "subject")

    @rule("TRANSPORT-3", "The payload is published byte for byte.")
    async def test_transport_3_keeps_payloads(self, case: TransportCase) -> None:
        async with self.carrying(case) as carrying:
            await carrying.submit(*map(message, PAYLOADS))
            await until(lambda: len(carrying.payloads) >= len(PAYLOADS), "all", self.seconds)
            assert sorted(carrying.payloads) == sorted(PAYLOADS)

    @rule("TRANSPORT-4", "What is submitted one after the other is published in that order.")
    async def test_transport_4_keeps_order(self, case: TransportCase) -> None:
        payloads = [b"%d" % number for number in range(50)]
        async with self.carrying(case) as carrying:
            await carrying.submit(*map(message, payloads))
            await carrying.published(*payloads)
            assert carrying.payloads == payloads

    @rule("TRANSPORT-5", "What is no publication is not published, and stops nothing after it.")
    async def test_transport_5_outlives_poison(self, case: TransportCase) -> None:
        async with self.carrying(case) as carrying:
            for each in POISON:
                await carrying.offer(each)
            await carrying.submit(message(b'"end"'))
            await carrying.published(b'"end"')
            assert carrying.payloads == [b'"end"']

    @rule("TRANSPORT-6", "Nothing beyond `context.limits` is published; it stops nothing after it.")
    async def test_transport_6_holds_to_limits(self, case: TransportCase) -> None:
        many = tuple(f"s-{number}" for number in range(LIMITS.max_subjects + 1))
        async with self.carrying(case) as carrying:
            await carrying.offer(message(b'"' + b"x" * LIMITS.max_bytes + b'"'))
            await carrying.offer(message(b"1", many))
            await carrying.submit(message(b'"end"'))
            await carrying.published(b'"end"')
            assert carrying.payloads == [b'"end"']

    @rule(
        "TRANSPORT-7",
        "What `publish` did not take, because of `BusUnavailable`, is published later, or who "
        "submitted it is told; it is never taken and lost.",
    )
    async def test_transport_7_loses_nothing(self, case: TransportCase) -> None:
        async with self.carrying(case) as carrying:
            carrying.gateway.refuse.append(BusUnavailable(reason="away"))
            if await carrying.offer(message(b'"later"')):
                await carrying.published(b'"later"')
            assert not carrying.gateway.refuse, "publish was not called"

    @rule("TRANSPORT-8", "What `publish` refuses as `InvalidPublication` stops nothing after it.")
    async def test_transport_8_outlives_refusals(self, case: TransportCase) -> None:
        async with self.carrying(case) as carrying:
            carrying.gateway.refuse.append(InvalidPublication("too large", reason="too_large"))
            await carrying.offer(message(b'"refused"'))
            await until(lambda: not carrying.gateway.refuse, "publish is called", self.seconds)
            await carrying.submit(message(b'"end"'))
            await carrying.published(b'"end"')
            assert carrying.payloads == [b'"end"']

    @rule(
        "TRANSPORT-9",
        "`run` ends when it is cancelled; started again, it publishes what came meanwhile, unless "
        "who submitted that was told, and nothing that it published before.",
    )
    async def test_transport_9_runs_again(self, case: TransportCase) -> None:
        async with self.carrying(case) as carrying:
            await carrying.submit(message(b'"before"'))
            await carrying.published(b'"before"')
            await carrying.host.stop_run(self.seconds)
            assert not carrying.host.abandoned, "it goes on"
            taken = await carrying.offer(message(b'"meanwhile"'))
            await carrying.start()
            await carrying.submit(message(b'"after"'))
            await carrying.published(b'"after"', *([b'"meanwhile"'] if taken else []))
            assert carrying.payloads.count(b'"before"') == 1

    @rule("TRANSPORT-10", "While nothing can be read, it is not ready.")
    async def test_transport_10_says_that_it_cannot(self, case: TransportCase) -> None:
        if case.away is None:
            pytest.skip("the case knows no options under which nothing can be read")
        async with self.open(replace(case, options=case.away)) as host:
            self.start(host)
            for _ in range(20):
                await asyncio.sleep(PAUSE)
                assert not host.health().ready


def message(payload: bytes, subjects: tuple[str, ...] = ("user:42",), **more: str) -> bytes:
    """Return a publication as publishers write it."""
    fields = json.dumps({"subjects": subjects, **more}).encode()
    return fields[:-1] + b', "payload": ' + payload + b"}"
