"""Extensions that each break one rule: the one that their class is named after."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from starlette.responses import Response
from starlette.routing import Route

from gatewright import ExtensionSettings, Factory
from gatewright.testing.conformance import ExtensionCase, ExtensionConformance


async def answer(_request):
    return Response()


class Counting:
    """Counts events, and has a route."""

    def __init__(self):
        self.seen = 0

    def routes(self):
        return [Route("/counted", answer)]

    def on_event(self, event):
        self.seen += 1

    def on_connected(self, event):
        self.seen += 1


@asynccontextmanager
async def opening(backend):
    yield backend()


class Suite(ExtensionConformance):
    """A suite for the class attributes below."""

    __test__ = False

    Backend = Counting

    def __init_subclass__(cls):
        cls.__test__ = True

    @pytest.fixture
    def case(self):
        factory = Factory(
            settings=ExtensionSettings,
            open=lambda _settings, _context: opening(self.Backend),
            summary="broken",
        )
        return ExtensionCase(factory=factory)


class TestSound(Suite):
    pass


class TestEXTENSION1(Suite):
    class Backend(Counting):
        def routes(self):
            return [("/counted", answer)]


class TestEXTENSION2(Suite):
    class Backend(Counting):
        def routes(self):
            return [Route("/{page}", answer), Route("/metrics", answer)]


class TestEXTENSION3(Suite):
    class Backend(Counting):
        def on_connected(self, event):
            return self.count(event)

        async def count(self, event):
            self.seen += 1


class TestEXTENSION4(Suite):
    class Backend(Counting):
        def on_event(self, event):
            self.seen += 1 / event.seq


class TestEXTENSION5(Suite):
    class Backend(Counting):
        def __init__(self):
            super().__init__()
            self.waiting = asyncio.Queue(1000)

        def on_event(self, event):
            self.waiting.put_nowait(event)


class TestEXTENSION6(Suite):
    class Backend(Counting):
        async def run(self):
            self.waiting = asyncio.Queue()
            await asyncio.Event().wait()

        def on_event(self, event):
            self.waiting.put_nowait(event)


class TestEXTENSION7(Suite):
    class Backend(Counting):
        def on_message(self, event):
            self.seen += 1
