"""Rules for stores of dead letters."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from gatewright.model import DeadLetter, StoredDeadLetter
from gatewright.plugin.protocols import DeadLetterStore
from gatewright.plugin.spec import Kind
from gatewright.testing.conformance.base import Case, Conformance
from gatewright.testing.conformance.rules import rule
from gatewright.testing.conformance.waiting import within

__all__ = ["DeadLetterCase", "DeadLetterConformance"]

PAYLOADS: Final = (
    b"",
    b"{}",
    b"\x00\xff\r\n",
    bytes(range(256)),
    "grüße ☃".encode(),
    b"x" * 70_000,
)


@dataclass(frozen=True, kw_only=True)
class DeadLetterCase(Case):
    """A store under test, empty for each rule, that keeps what it has when it is closed."""


class DeadLetterConformance(Conformance[DeadLetterCase]):
    """Rules for a `gatewright.DeadLetterStore`."""

    kind: ClassVar[Kind] = "dead_letters"

    @rule("LETTERS-1", "What was put is read with every field as it was, and in the state `new`.")
    async def test_letters_1_keeps_fields(self, backend: DeadLetterStore) -> None:
        letters = [full(), sparse(), replace(full(3), event_reason="")]
        await within(backend.put(letters))
        assert await whole(backend) == [(each, "new") for each in letters]

    @rule("LETTERS-2", "A payload is any bytes, and is read byte for byte.")
    async def test_letters_2_keeps_payloads(self, backend: DeadLetterStore) -> None:
        await within(backend.put([numbered(n, payload=each) for n, each in enumerate(PAYLOADS)]))
        found = await within(backend.read())
        assert [each.letter.payload for each in found] == list(PAYLOADS)

    @rule("LETTERS-3", "Letters are read in the order in which they were put.")
    async def test_letters_3_keeps_order(self, backend: DeadLetterStore) -> None:
        await within(backend.put([numbered(n) for n in range(12)]))
        for n in range(12, 15):
            await within(backend.put([numbered(n)]))
        assert ids(await within(backend.read())) == expected(range(15))

    @rule("LETTERS-4", "Pages of `limit`, each after the last key before, hold each letter once.")
    async def test_letters_4_pages(self, backend: DeadLetterStore) -> None:
        await within(backend.put([numbered(n) for n in range(12)]))
        found: list[StoredDeadLetter] = []
        after = None
        while page := await within(backend.read(after, 5)):
            assert len(page) <= 5
            assert len(found) < 12, "the pages do not end"
            found += page
            after = page[-1].key
        assert ids(found) == expected(range(12))
        assert len({each.key for each in found}) == 12, "a key names two letters"

    @rule(
        "LETTERS-5",
        "A letter that was marked is there still, with its new state; others as before.",
    )
    async def test_letters_5_marks(self, backend: DeadLetterStore) -> None:
        await within(backend.put([numbered(n) for n in range(3)]))
        _, marked, _ = await within(backend.read())
        await within(backend.mark(marked.key, "redriven"))
        states = dict(await whole(backend))
        assert states == {numbered(0): "new", numbered(1): "redriven", numbered(2): "new"}

    @rule("LETTERS-6", "Letters that were removed are gone, and no others.")
    async def test_letters_6_removes(self, backend: DeadLetterStore) -> None:
        await within(backend.put([numbered(n) for n in range(4)]))
        keys = [each.key for each in await within(backend.read())]
        await within(backend.remove([keys[0], keys[2]]))
        assert ids(await within(backend.read())) == expected((1, 3))

    @rule(
        "LETTERS-7", "`remove` returns how many there were, and those that are gone count nothing."
    )
    async def test_letters_7_counts_removed(self, backend: DeadLetterStore) -> None:
        await within(backend.put([numbered(n) for n in range(3)]))
        keys = [each.key for each in await within(backend.read())]
        assert await within(backend.remove([])) == 0
        assert await within(backend.remove(keys[:2])) == 2
        assert await within(backend.remove(keys)) == 1

    @rule("LETTERS-8", "Marking a key that names no letter, or none any more, is no error.")
    async def test_letters_8_knows_no_such_key(self, backend: DeadLetterStore) -> None:
        await within(backend.put([numbered(1)]))
        (only,) = await within(backend.read())
        await within(backend.remove([only.key]))
        for key in (only.key, "", "no such key", "☃"):
            await within(backend.mark(key, "redriven"))
        assert not await within(backend.read())

    @rule(
        "LETTERS-9", "Many put at once, and nothing is lost; what one put at once is in its order."
    )
    async def test_letters_9_many_at_once(self, backend: DeadLetterStore) -> None:
        batches = [[numbered(n) for n in range(first, first + 3)] for first in range(0, 60, 3)]
        await within(asyncio.gather(*map(backend.put, batches)))
        found = ids(await within(backend.read()))
        assert sorted(found) == expected(range(60))
        for batch in batches:
            places = [found.index(each.id) for each in batch]
            assert places == sorted(places)

    @rule("LETTERS-10", "Letters and their states outlast closing and opening.")
    async def test_letters_10_outlasts_closing(self, case: DeadLetterCase) -> None:
        async with self.running(case) as store:
            await within(store.put([numbered(1), numbered(2)]))
            first, _ = await within(store.read())
            await within(store.mark(first.key, "redriven"))
        async with self.running(case) as store:
            states = dict(await whole(store))
            assert states == {numbered(1): "redriven", numbered(2): "new"}


def full(number: int = 1) -> DeadLetter:
    """Return a letter with all there can be."""
    return DeadLetter(
        id=f"id-{number}-ü",
        kind="event",
        target="webhook/eu",
        reason="attempts",
        payload=b'{"n":1}',
        type="disconnected",
        connection_id="0d5e0b2c-connection",
        user_id="jürgen 42",
        seq=7,
        first_at=1_700_000_000.25,
        last_at=1_700_000_001.5,
        attempts=3,
        error="status 500: grüße",
        event_reason="node_lost",
    )


def sparse() -> DeadLetter:
    """Return a letter with no more than there must be."""
    return DeadLetter(id="2", kind="publication", target="http", reason="parse_error", payload=b"x")


def numbered(number: int, *, payload: bytes = b"{}") -> DeadLetter:
    """Return one of several letters."""
    return replace(full(), id=f"letter-{number:04}", payload=payload)


def expected(numbers: Iterable[int]) -> list[str]:
    """Return the ids of numbered letters."""
    return [f"letter-{number:04}" for number in numbers]


def ids(found: Sequence[StoredDeadLetter]) -> list[str]:
    """Return the ids of letters."""
    return [each.letter.id for each in found]


async def whole(store: DeadLetterStore) -> list[tuple[DeadLetter, str]]:
    """Return what a store holds, as letters and states."""
    return [(each.letter, each.state) for each in await within(store.read())]
