"""Rules for presence stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from math import isfinite
from typing import ClassVar, Final

import pytest

from gatewright.model import ConnectionInfo
from gatewright.plugin.protocols import HasHealth, Presence
from gatewright.plugin.spec import Kind
from gatewright.testing.conformance.base import Case, Conformance
from gatewright.testing.conformance.rules import rule
from gatewright.testing.opening import Around
from gatewright.wire.names import user_subject

__all__ = ["PresenceCase", "PresenceConformance"]

SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.01
MANY: Final = 250
LIMITS: Final = (1, 7, 100, 1000)
CURSORS: Final = ("", "no-such-cursor", "-1", "\x00", "ünknown", "1:" + "x" * 600)
NAMES: Final = (
    "jürgen",
    "李雷 🙂",
    "with space, comma; and \"quotes\" 'of' both sorts",
    "a:b/c\\d|e",
    "*?[x]{y}%_^$.",
    "0",
    "null",
    "ü" * 256,
)


@dataclass(frozen=True, kw_only=True)
class PresenceCase(Case):
    """A presence store under test.

    Attributes:
        shared: Whether nodes that open it with the same options share what they remember.
    """

    shared: bool = False


def connection(number: int, user: str = "42", *subjects: str) -> ConnectionInfo:
    """Return a connection of a user, who hears further subjects."""
    heard = (user_subject(user), *subjects)
    return ConnectionInfo(f"connection-{number}", user, heard, 1_700_000_000 + number)


class PresenceConformance(Conformance[PresenceCase]):
    """Rules for a `gatewright.Presence`. A store with `health()` is waited for until it is ready.

    Nothing else may be in the store: give it a prefix or a database of its own.
    """

    kind: ClassVar[Kind] = "presence"

    @asynccontextmanager
    async def running(
        self, case: PresenceCase, around: Around | None = None
    ) -> AsyncIterator[Presence]:
        """Open a store, and wait until it is ready."""
        async with super().running(case, around) as store:
            await ready(store)
            yield store

    @rule(
        "PRESENCE-1",
        "A connection that joined is found by its user, by each of its subjects, by both and "
        "among all, with everything it joined with.",
    )
    async def test_presence_1_finds(self, backend: Presence) -> None:
        one = connection(1, "42", "news", "sport")
        await backend.joined([one])
        for user_id in (None, "42"):
            for subject in (None, *one.subjects):
                page = await backend.find(user_id=user_id, subject=subject)
                assert [*map(plain, page.connections)] == [plain(one)], (user_id, subject)
                assert page.cursor is None

    @rule(
        "PRESENCE-2",
        "What nobody is or hears finds nobody: an empty page, and the last. With both given, both "
        "must fit.",
    )
    async def test_presence_2_finds_nobody_else(self, backend: Presence) -> None:
        await backend.joined([connection(1, "42", "news"), connection(2, "43", "sport")])
        for user_id, subject in (
            ("44", None),
            (None, "weather"),
            ("42", "sport"),
            ("4", None),
            (None, "new"),
            ("", None),
            (None, ""),
        ):
            page = await backend.find(user_id=user_id, subject=subject)
            assert (list(page.connections), page.cursor) == ([], None), (user_id, subject)

    @rule("PRESENCE-3", "Joining again is no second connection, within a batch or later.")
    async def test_presence_3_joining_is_idempotent(self, backend: Presence) -> None:
        one = connection(1, "42", "news")
        await backend.joined([one, one])
        await backend.joined([one])
        for user_id, subject in ((None, None), ("42", None), (None, "news")):
            assert await found(backend, user_id, subject) == [one.connection_id]

    @rule("PRESENCE-4", "Joining again with other subjects replaces the old ones.")
    async def test_presence_4_subjects_change(self, backend: Presence) -> None:
        await backend.joined([connection(1, "42", "news", "sport")])
        await backend.joined([changed := connection(1, "42", "sport", "weather")])
        assert await found(backend, subject="news") == []
        for subject in changed.subjects:
            assert await found(backend, subject=subject) == [changed.connection_id]
        (now,) = (await backend.find()).connections
        assert plain(now) == plain(changed)

    @rule("PRESENCE-5", "A connection that left is not found; the others of its user are.")
    async def test_presence_5_leaving_forgets(self, backend: Presence) -> None:
        one, other = connection(1, "42", "news"), connection(2, "42", "news")
        await backend.joined([one, other])
        await backend.left([one])
        for user_id, subject in ((None, None), ("42", None), (None, "news"), ("42", "news")):
            assert await found(backend, user_id, subject) == [other.connection_id]

    @rule("PRESENCE-6", "Leaving twice, or without having joined, is no error.")
    async def test_presence_6_leaving_is_idempotent(self, backend: Presence) -> None:
        one, other = connection(1), connection(2)
        await backend.joined([one, other])
        await backend.left([one, one])
        await backend.left([one, connection(3, "nobody")])
        assert await found(backend) == [other.connection_id]

    @rule("PRESENCE-7", "`refresh` writes whole again what is gone, with all it can be found by.")
    async def test_presence_7_refreshing_writes_again(self, backend: Presence) -> None:
        one = connection(1, "42", "news")
        await backend.refresh([one])
        for user_id, subject in ((None, None), ("42", None), (None, "news")):
            page = await backend.find(user_id=user_id, subject=subject)
            assert [*map(plain, page.connections)] == [plain(one)], (user_id, subject)

    @rule("PRESENCE-8", "`refresh` of what is there leaves it as it is, and is no second one.")
    async def test_presence_8_refreshing_keeps(self, backend: Presence) -> None:
        everybody = [connection(number, f"{number}", "news") for number in range(3)]
        await backend.joined(everybody)
        for _ in range(3):
            await backend.refresh(everybody)
        assert await found(backend, subject="news") == ids(everybody)

    @rule("PRESENCE-9", "`refresh_seconds` is `None`, or a number above 0.")
    async def test_presence_9_says_how_often(self, backend: Presence) -> None:
        every = backend.refresh_seconds
        assert every is None or (isfinite(every) and every > 0)

    @rule("PRESENCE-10", "Batches may be empty, and may be large.")
    async def test_presence_10_takes_any_batch(self, backend: Presence) -> None:
        everybody = [connection(number, f"{number % 9}", "news") for number in range(MANY)]
        for call in (backend.joined, backend.refresh, backend.left):
            await call([])
        await backend.joined(everybody)
        assert await found(backend, subject="news") == ids(everybody)
        await backend.refresh(everybody)
        await backend.left(everybody[1:])
        assert await found(backend) == ids(everybody[:1])

    @rule(
        "PRESENCE-11",
        "Pages hold no more than `limit`, and all together each connection once; the last has no "
        "cursor.",
    )
    async def test_presence_11_pages(self, backend: Presence) -> None:
        everybody = [connection(number, f"{number % 2}", "news") for number in range(60)]
        await backend.joined(everybody)
        await backend.joined([connection(number, "other", "sport") for number in range(60, 80)])
        for limit in LIMITS:
            assert await paged(backend, limit, subject="news") == ids(everybody)
            assert await paged(backend, limit, user_id="0") == ids(everybody[::2])
            assert len(await paged(backend, limit)) == 80

    @rule(
        "PRESENCE-12",
        "Who stays while others come and go between two pages is neither left out nor repeated.",
    )
    async def test_presence_12_pages_are_stable(self, backend: Presence) -> None:
        everybody = [connection(number, "42", "news") for number in range(60)]
        staying, leaving = everybody[1::2], everybody[::2]
        await backend.joined(everybody)
        seen, cursor, turn = [], None, 0
        while turn == 0 or cursor is not None:
            page = await backend.find(subject="news", limit=7, cursor=cursor)
            seen += [one.connection_id for one in page.connections]
            cursor = page.cursor
            await backend.left(leaving[turn * 4 : turn * 4 + 4])
            await backend.joined([connection(100 + turn, "42", "news")])
            turn += 1
            assert turn < 100, "the pages have no end"
        known = set(ids(staying))
        assert sorted(one for one in seen if one in known) == sorted(known)

    @rule("PRESENCE-13", "A cursor that it did not give raises `ValueError`.")
    async def test_presence_13_refuses_foreign_cursors(self, backend: Presence) -> None:
        await backend.joined([connection(1)])
        for cursor in CURSORS:
            for user_id in (None, "42"):
                with pytest.raises(ValueError):  # noqa: PT011 - its text is the store's own
                    await backend.find(user_id=user_id, cursor=cursor, limit=1)

    @rule("PRESENCE-14", "Names are any text, kept to the letter and never taken for patterns.")
    async def test_presence_14_keeps_names(self, backend: Presence) -> None:
        everybody = [
            connection(number, name, f"subject {name}") for number, name in enumerate(NAMES)
        ]
        await backend.joined(everybody)
        for one in everybody:
            for page in (
                await backend.find(user_id=one.user_id),
                await backend.find(subject=one.subjects[1]),
            ):
                assert [*map(plain, page.connections)] == [plain(one)]
        await backend.left(everybody)
        assert await found(backend) == []

    @rule("PRESENCE-15", "What is called in a row happens in that order.")
    async def test_presence_15_keeps_the_order(self, backend: Presence) -> None:
        one, other = connection(1, "42", "news"), connection(2, "42", "news")
        await backend.joined([other])
        for _ in range(5):
            await backend.joined([one])
            await backend.left([one])
            await backend.left([other])
            await backend.joined([other])
        assert await found(backend, subject="news") == [other.connection_id]

    @rule("PRESENCE-16", "Many may ask at once, also while others are written or give up.")
    async def test_presence_16_many_ask_at_once(self, backend: Presence) -> None:
        everybody = [connection(number, f"{number}") for number in range(50)]
        await backend.joined(everybody)
        given_up = [asyncio.ensure_future(backend.find(limit=5)) for _ in range(20)]
        asking = [asyncio.ensure_future(found(backend, one.user_id)) for one in everybody]
        await asyncio.sleep(0)
        for each in given_up:
            each.cancel()
        await backend.joined([connection(number, "new") for number in range(50, 60)])
        assert await asyncio.gather(*asking) == [[one.connection_id] for one in everybody]
        await asyncio.gather(*given_up, return_exceptions=True)
        assert len(await found(backend)) == 60

    @rule("PRESENCE-17", "Who left before it closed is not there when it opens again.")
    async def test_presence_17_closing_leaves_nobody(self, case: PresenceCase) -> None:
        everybody = [connection(number, "42", "news") for number in range(5)]
        async with self.running(case) as store:
            await store.joined(everybody)
            await store.left(everybody)
        async with self.running(case) as store:
            for user_id, subject in ((None, None), ("42", None), (None, "news")):
                assert await found(store, user_id, subject) == []

    @rule(
        "PRESENCE-18",
        "In a store that nodes share, each finds the connections of all; one that closes takes "
        "nobody else's along.",
    )
    async def test_presence_18_nodes_share(self, case: PresenceCase) -> None:
        if not case.shared:
            pytest.skip("the case says that nodes do not share the store")
        one, other, third = (connection(number, "42", "news") for number in (1, 2, 3))
        async with self.running(case, Around(node_id="node-1")) as first:
            async with self.running(case, Around(node_id="node-2")) as second:
                await first.joined([one, third])
                await second.joined([other])
                for store in (first, second):
                    assert await found(store, "42") == ids([one, other, third])
                await first.left([third])
                assert await found(second, subject="news") == ids([one, other])
                await second.left([other])
            assert await found(first, "42") == [one.connection_id]


async def ready(store: Presence) -> None:
    """Wait until a store says that it is ready, where it says anything."""
    if not isinstance(store, HasHealth):
        return
    async with asyncio.timeout(SECONDS):
        while True:
            if store.health().ready:
                return
            await asyncio.sleep(LOOK_SECONDS)


async def found(
    store: Presence, user_id: str | None = None, subject: str | None = None
) -> list[str]:
    """Return the ids of the connections that a store finds, sorted, repeats included."""
    page = await store.find(user_id=user_id, subject=subject)
    return ids(page.connections)


async def paged(
    store: Presence, limit: int, *, user_id: str | None = None, subject: str | None = None
) -> list[str]:
    """Return the same, asked for page by page."""
    connections: list[ConnectionInfo] = []
    cursors: set[str] = set()
    cursor = None
    while True:
        page = await store.find(user_id=user_id, subject=subject, cursor=cursor, limit=limit)
        assert len(page.connections) <= limit
        connections += page.connections
        if (cursor := page.cursor) is None:
            return ids(connections)
        assert cursor not in cursors, "the pages go round in a circle"
        cursors.add(cursor)


def ids(connections: Iterable[ConnectionInfo]) -> list[str]:
    """Return the ids of connections, sorted."""
    return sorted(one.connection_id for one in connections)


def plain(one: ConnectionInfo) -> ConnectionInfo:
    """Return a connection whose further subjects, which have no order, are in one."""
    first: Sequence[str] = one.subjects[:1]
    return replace(one, subjects=(*first, *sorted(one.subjects[1:])))
