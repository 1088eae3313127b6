"""Stores of dead letters that each break one rule: the one that their class is named after."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gatewright import Factory, NoSettings
from gatewright.testing.conformance import DeadLetterCase, DeadLetterConformance
from gatewright.testing.doubles import Letters


class Suite(DeadLetterConformance):
    """A suite for the class attributes below."""

    __test__ = False

    Backend = Letters
    lasting = True

    def __init_subclass__(cls):
        cls.__test__ = True

    @pytest.fixture
    def case(self):
        kept = self.Backend()

        @asynccontextmanager
        async def opening(_settings, _context):
            yield kept if self.lasting else self.Backend()

        return DeadLetterCase(factory=Factory(settings=NoSettings, open=opening, summary="broken"))


class TestSound(Suite):
    pass


class TestLETTERS1(Suite):
    class Backend(Letters):
        async def put(self, records):
            await super().put(
                [replace(each, event_reason=each.event_reason or None) for each in records]
            )


class TestLETTERS2(Suite):
    class Backend(Letters):
        async def put(self, records):
            await super().put(
                [
                    replace(each, payload=each.payload.decode(errors="replace").encode())
                    for each in records
                ]
            )


class TestLETTERS3(Suite):
    class Backend(Letters):
        async def put(self, records):
            await super().put(records)
            if len(records) == 1 and len(self.stored) == 15:
                self.stored.insert(0, self.stored.pop())


class TestLETTERS4(Suite):
    class Backend(Letters):
        async def read(self, after=None, limit=100):
            return await super().read(after, limit + 1)


class TestLETTERS5(Suite):
    class Backend(Letters):
        async def mark(self, key, state):
            if self.stored and key == self.stored[0].key:
                await super().mark(key, state)


class TestLETTERS6(Suite):
    class Backend(Letters):
        async def remove(self, keys):
            if len(keys) == 2 and len(self.stored) == 4:
                return await super().remove([*keys, self.stored[-1].key])
            return await super().remove(keys)


class TestLETTERS7(Suite):
    class Backend(Letters):
        async def remove(self, keys):
            await super().remove(keys)
            return len(keys)


class TestLETTERS8(Suite):
    class Backend(Letters):
        async def mark(self, key, state):
            if key not in [each.key for each in self.stored]:
                raise KeyError(key)
            await super().mark(key, state)


class TestLETTERS9(Suite):
    class Backend(Letters):
        async def put(self, records):
            before = list(self.stored)
            await asyncio.sleep(0)
            self.stored = before
            await super().put(records)


class TestLETTERS10(Suite):
    lasting = False
