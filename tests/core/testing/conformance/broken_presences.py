"""Presence stores that each break one rule: the one that their class is named after."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gatewright import ConnectionPage, Factory, NoSettings
from gatewright.builtin.memory_presence import MemoryPresence
from gatewright.testing.conformance import PresenceCase, PresenceConformance


@asynccontextmanager
async def opening(store):
    yield store


class Suite(PresenceConformance):
    """A suite for the class attributes below; whoever opens the backend gets the same store."""

    __test__ = False

    Backend = MemoryPresence
    opening = staticmethod(opening)

    def __init_subclass__(cls):
        cls.__test__ = True

    @pytest.fixture
    def case(self):
        store = self.Backend()
        factory = Factory(
            settings=NoSettings,
            open=lambda _settings, _context: self.opening(store),
            summary="broken",
        )
        return PresenceCase(factory=factory, shared=True)


class TestSound(Suite):
    pass


class TestPRESENCE1(Suite):
    class Backend(MemoryPresence):
        async def find(self, *, subject=None, user_id=None, cursor=None, limit=None):
            if user_id and subject == f"user:{user_id}":
                return ConnectionPage(())
            return await super().find(subject=subject, user_id=user_id, cursor=cursor, limit=limit)


class TestPRESENCE2(Suite):
    class Backend(MemoryPresence):
        async def find(self, *, user_id=None, **others):
            return await super().find(user_id=user_id or None, **others)


class TestPRESENCE3(Suite):
    class Backend(MemoryPresence):
        def __init__(self):
            super().__init__()
            self.twice = []

        async def joined(self, batch):
            counted = Counter(one.connection_id for one in batch)
            self.twice += [one for one in set(batch) if counted[one.connection_id] > 1]
            await super().joined(batch)

        async def find(self, **asked):
            page = await super().find(**asked)
            return replace(page, connections=(*page.connections, *self.twice))


class TestPRESENCE4(Suite):
    class Backend(MemoryPresence):
        async def joined(self, batch):
            await super().joined([one for one in batch if one.connection_id not in self._seats])


class TestPRESENCE5(Suite):
    class Backend(MemoryPresence):
        def __init__(self):
            super().__init__()
            self.gone = []

        async def left(self, batch):
            self.gone += batch
            await super().left(batch)

        async def find(self, *, subject=None, user_id=None, **others):
            page = await super().find(subject=subject, user_id=user_id, **others)
            if subject is None or user_id is None:
                return page
            return replace(page, connections=(*page.connections, *self.gone))


class TestPRESENCE6(Suite):
    class Backend(MemoryPresence):
        async def left(self, batch):
            for one in batch:
                self._seats[one.connection_id]
            await super().left(batch)


class TestPRESENCE7(Suite):
    class Backend(MemoryPresence):
        async def refresh(self, batch):
            await super().refresh([one for one in batch if one.connection_id in self._seats])


class TestPRESENCE8(Suite):
    class Backend(MemoryPresence):
        async def refresh(self, batch):
            await super().refresh(
                [
                    replace(one, subjects=one.subjects[:1])
                    if one.connection_id in self._seats
                    else one
                    for one in batch
                ]
            )


class TestPRESENCE9(Suite):
    class Backend(MemoryPresence):
        refresh_seconds = 0.0


class TestPRESENCE10(Suite):
    class Backend(MemoryPresence):
        async def joined(self, batch):
            batch[0]
            await super().joined(batch)


class TestPRESENCE11(Suite):
    class Backend(MemoryPresence):
        async def find(self, *, limit=None, **others):
            return await super().find(limit=limit and limit + 1, **others)


class TestPRESENCE12(Suite):
    class Backend(MemoryPresence):
        async def find(self, *, cursor=None, limit=None, **others):
            everybody = (await super().find(**others)).connections
            if cursor is not None and not cursor.isdigit():
                raise ValueError(cursor)
            start = int(cursor or 0)
            end = len(everybody) if limit is None else start + limit
            return ConnectionPage(everybody[start:end], str(end) if end < len(everybody) else None)


class TestPRESENCE13(Suite):
    class Backend(MemoryPresence):
        async def find(self, *, cursor=None, **others):
            try:
                return await super().find(cursor=cursor, **others)
            except ValueError:
                return await super().find(**others)


class TestPRESENCE14(Suite):
    class Backend(MemoryPresence):
        async def find(self, *, subject=None, **others):
            pattern = subject is not None and "*" in subject
            return await super().find(subject=None if pattern else subject, **others)


class TestPRESENCE15(Suite):
    class Backend(MemoryPresence):
        def __init__(self):
            super().__init__()
            self.gone = set()

        async def joined(self, batch):
            await super().joined([one for one in batch if one.connection_id not in self.gone])

        async def left(self, batch):
            self.gone |= {one.connection_id for one in batch}
            await super().left(batch)


class TestPRESENCE16(Suite):
    class Backend(MemoryPresence):
        asking = False

        async def find(self, **asked):
            if self.asking:
                message = "somebody else is asking"
                raise RuntimeError(message)
            self.asking = True
            await asyncio.sleep(0)
            self.asking = False
            return await super().find(**asked)


class TestPRESENCE17(Suite):
    class Backend(MemoryPresence):
        def __init__(self):
            super().__init__()
            self.ever = []

        async def joined(self, batch):
            self.ever += batch
            await super().joined(batch)

    @staticmethod
    @asynccontextmanager
    async def opening(store):
        await store.joined(store.ever)
        yield store


class TestPRESENCE18(Suite):
    @staticmethod
    @asynccontextmanager
    async def opening(store):
        yield store
        await store.left((await store.find()).connections)
