"""Transports that each break one rule: the one that their class is named after."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated

import pytest
from pydantic import Field

from gatewright import (
    BusUnavailable,
    Factory,
    Health,
    InvalidPublication,
    PublicationLimits,
    TransportSettings,
    parse_publication,
)
from gatewright.testing.conformance import TransportCase, TransportConformance


class Wire:
    """Publishes what waits in a list."""

    reach = "node"

    def __init__(self, settings, context, waiting):
        self.away, self.context, self.waiting = settings.away, context, waiting
        self.limits = context.limits

    async def run(self, publish):
        while True:
            while not self.waiting:
                await asyncio.sleep(0.005)
            data = self.chosen()
            await self.carry(publish, data)
            self.waiting.remove(data)

    def chosen(self):
        return self.waiting[0]

    async def carry(self, publish, data):
        try:
            publication = self.read(data)
        except InvalidPublication:
            return
        await self.hand_on(publish, publication)

    def read(self, data):
        return parse_publication(data, source=self.context.name, limits=self.limits)

    async def hand_on(self, publish, publication):
        try:
            await publish(publication)
        except InvalidPublication:
            return
        except BusUnavailable:
            await asyncio.sleep(0.01)
            await self.hand_on(publish, publication)

    def health(self):
        return Health(ready=not self.away)


class WireSettings(TransportSettings):
    away: Annotated[bool, Field(description="Whether nothing comes.")] = False


class Suite(TransportConformance):
    """A suite for the class attributes below."""

    __test__ = False

    Backend = Wire
    seconds = 3.0

    def __init_subclass__(cls):
        cls.__test__ = True

    @pytest.fixture
    def case(self):
        waiting = []

        @asynccontextmanager
        async def opening(settings, context):
            yield self.Backend(settings, context, waiting)

        async def submit(_backend, data):
            waiting.append(data)

        return TransportCase(
            factory=Factory(settings=WireSettings, open=opening, summary="broken"),
            submit=submit,
            away={"away": True},
        )


class TestSound(Suite):
    pass


class TestTRANSPORT1(Suite):
    class Backend(Wire):
        reach = "everywhere"


class TestTRANSPORT2(Suite):
    class Backend(Wire):
        def read(self, data):
            return replace(super().read(data), id=None)


class TestTRANSPORT3(Suite):
    class Backend(Wire):
        def read(self, data):
            found = super().read(data)
            return replace(found, payload=json.dumps(json.loads(found.payload)).encode())


class TestTRANSPORT4(Suite):
    class Backend(Wire):
        def chosen(self):
            return self.waiting[-1]


class TestTRANSPORT5(Suite):
    class Backend(Wire):
        async def carry(self, publish, data):
            data.decode()
            await super().carry(publish, data)


class TestTRANSPORT6(Suite):
    class Backend(Wire):
        def read(self, data):
            self.limits = PublicationLimits(max_bytes=10**9, max_subjects=10**9)
            return super().read(data)


class TestTRANSPORT7(Suite):
    class Backend(Wire):
        async def hand_on(self, publish, publication):
            try:
                await publish(publication)
            except (InvalidPublication, BusUnavailable):
                return


class TestTRANSPORT8(Suite):
    class Backend(Wire):
        async def hand_on(self, publish, publication):
            try:
                await publish(publication)
            except InvalidPublication:
                await asyncio.sleep(3600)
            except BusUnavailable:
                await self.hand_on(publish, publication)


class TestTRANSPORT9(Suite):
    class Backend(Wire):
        ran = 0

        async def run(self, publish):
            self.ran += 1
            if self.ran == 1:
                await super().run(publish)
            await asyncio.sleep(3600)


class TestTRANSPORT10(Suite):
    class Backend(Wire):
        def health(self):
            return Health(ready=True)
