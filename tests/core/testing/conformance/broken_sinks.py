"""Sinks that each break one rule: the one that their class is named after."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import Annotated

import pytest
from pydantic import Field

from gatewright import Done, Factory, Reject, Retry, Settings, SinkSettings
from gatewright.testing.conformance import EventSinkCase, EventSinkConformance, Heard


class FarSide:
    """Who hears events."""

    def __init__(self):
        self.heard, self.refusals = [], 0

    async def received(self):
        return list(self.heard)

    async def refuse(self):
        self.refusals += 1


class Wire:
    """Tells its far side inside this process."""

    def __init__(self, settings, far):
        self.away, self.far = settings.away, far

    async def send(self, batch):
        await asyncio.sleep(0)
        return [self.attempt(event) for event in batch]

    def attempt(self, event):
        if self.away:
            return Retry("away")
        if self.far.refusals:
            self.far.refusals -= 1
            return Reject("status 400")
        self.write(self.made(event))
        return Done()

    def made(self, event):
        return Heard(event.body, event.id, event.seq, event.reason)

    def write(self, heard):
        self.far.heard.append(heard)


class WireSettings(SinkSettings):
    away: Annotated[bool, Field(description="Whether nobody hears.")] = False
    batch: Annotated[int, Field(description="Events at once.")] = 8


class Suite(EventSinkConformance):
    """A suite for the class attributes below."""

    __test__ = False

    Backend = Wire
    Model = WireSettings
    seconds = 3.0

    def __init_subclass__(cls):
        cls.__test__ = True

    @pytest.fixture
    def case(self):
        far = FarSide()

        @asynccontextmanager
        async def opening(settings, _context):
            yield self.Backend(settings, far)

        return EventSinkCase(
            factory=Factory(settings=self.Model, open=opening, summary="broken"),
            received=far.received,
            away={"away": True},
            refuse=far.refuse,
        )


class TestSound(Suite):
    pass


class TestEVENTS1(Suite):
    class Model(Settings):
        away: Annotated[bool, Field(description="Whether nobody hears.")] = False


class TestEVENTS2(Suite):
    class Backend(Wire):
        async def send(self, batch):
            return (await super().send(batch))[:1]


class TestEVENTS3(Suite):
    class Backend(Wire):
        def write(self, heard):
            asyncio.get_running_loop().call_later(0.2, super().write, heard)


class TestEVENTS4(Suite):
    class Backend(Wire):
        def made(self, event):
            body = json.dumps(json.loads(event.body)).encode()
            return Heard(body, event.id, event.seq, event.reason)


class TestEVENTS5(Suite):
    class Backend(Wire):
        def made(self, event):
            return Heard(event.body, event.id, event.seq)


class TestEVENTS6(Suite):
    class Backend(Wire):
        def write(self, heard):
            self.far.heard.insert(0, heard)


class TestEVENTS7(Suite):
    class Backend(Wire):
        async def send(self, batch):
            self.batch = batch
            await asyncio.sleep(0)
            return await super().send(self.batch)


class TestEVENTS8(Suite):
    class Backend(Wire):
        async def send(self, batch):
            try:
                return await super().send(batch)
            except asyncio.CancelledError:
                await asyncio.sleep(3600)


class TestEVENTS9(Suite):
    class Backend(Wire):
        def attempt(self, event):
            return Done() if self.away else super().attempt(event)


class TestEVENTS10(Suite):
    class Backend(Wire):
        def attempt(self, event):
            outcome = super().attempt(event)
            return Retry("refused") if isinstance(outcome, Reject) else outcome
