"""Buses that each break one rule: the one that their class is named after."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated

import anyio
import pytest
from pydantic import Field

from gatewright import BusUnavailable, Command, Factory, Health, Publication, Receipt, Settings
from gatewright.testing.conformance import BusCase, BusConformance


class Wire:
    """One node's end of a bus inside this process."""

    def __init__(self, settings, everyone):
        self.reachable, self.everyone, self.given_to = settings.reachable, everyone, None
        everyone.append(self)

    async def publish(self, message, *, count):
        self.check()
        await asyncio.sleep(0)
        return self.receipt(sum(self.hand(message, each) for each in self.running), count)

    def check(self):
        if self.given_to is None or not self.reachable:
            raise BusUnavailable(reason="nobody listens")

    def hand(self, message, other):
        return other.given_to(message)

    def receipt(self, sent, count):
        return Receipt(sent if count else None)

    @property
    def running(self):
        return [each for each in self.everyone if each.given_to]

    async def run(self, deliver):
        self.given_to = deliver
        try:
            await anyio.sleep_forever()
        finally:
            self.given_to = None

    def health(self):
        return Health(ready=self.reachable and self.given_to is not None)


class WireSettings(Settings):
    reachable: Annotated[bool, Field(description="Whether it works.")] = True


class Suite(BusConformance):
    """A suite for the class attributes below."""

    __test__ = False

    Backend = Wire
    provides = frozenset({"cluster"})
    seconds = 3.0

    def __init_subclass__(cls):
        cls.__test__ = True

    @pytest.fixture
    def case(self):
        everyone = []

        @asynccontextmanager
        async def opening(settings, _context):
            yield self.Backend(settings, everyone)

        factory = Factory(
            settings=WireSettings, open=opening, summary="broken", provides=self.provides
        )
        return BusCase(factory=factory, unavailable={"reachable": False})


class TestSound(Suite):
    pass


class Changing(Wire):
    """Changes messages on their way."""

    def hand(self, message, other):
        return super().hand(self.changed(message, other), other)


class TestBUS1(Suite):
    class Backend(Changing):
        def changed(self, message, other):
            lossy = isinstance(message, Publication) and other is self
            return replace(message, id=message.id or None) if lossy else message


class TestBUS2(Suite):
    class Backend(Changing):
        def changed(self, message, _other):
            if isinstance(message, Command):
                return message
            return replace(message, payload=message.payload.decode(errors="replace").encode())


class TestBUS3(Suite):
    class Backend(Changing):
        def changed(self, message, _other):
            return replace(message, remove=()) if isinstance(message, Command) else message


class Late(Wire):
    """Lets some messages come after later ones."""

    def hand(self, message, other):
        if self.is_late(other) and message == Publication(("user:42",), b"7"):
            asyncio.get_running_loop().call_later(0.05, other.given_to, message)
            return 0
        return super().hand(message, other)


class TestBUS4(Suite):
    class Backend(Late):
        def is_late(self, other):
            return other is self


class TestBUS5(Suite):
    class Backend(Wire):
        under_way = 0

        async def publish(self, message, *, count):
            self.under_way += 1
            try:
                if self.under_way > 1:
                    return self.receipt(0, count)
                return await super().publish(message, count=count)
            finally:
                self.under_way -= 1


class TestBUS6(Suite):
    class Backend(Wire):
        def receipt(self, sent, count):
            return super().receipt(sent, count and len(self.running) > 1)


class TestBUS7(Suite):
    class Backend(Wire):
        def check(self):
            if not self.reachable:
                super().check()


class TestBUS8(Suite):
    class Backend(Wire):
        ran = 0

        async def run(self, deliver):
            self.ran += 1
            await super().run(deliver if self.ran == 1 else lambda _: 0)


class TestBUS9(Suite):
    class Backend(Wire):
        async def publish(self, message, *, count):
            receipt = await super().publish(message, count=count)
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                self.hand(message, self)
                raise
            return receipt


class TestBUS10(Suite):
    class Backend(Wire):
        def check(self):
            if self.reachable:
                super().check()


class TestBUS11(Suite):
    class Backend(Wire):
        def hand(self, message, other):
            if other is not self and message.payload == b"1" and message.id:
                other.given_to(message)
            return super().hand(message, other)


class TestBUS12(Suite):
    class Backend(Late):
        def is_late(self, other):
            return other is not self


class TestBUS13(Suite):
    class Backend(Wire):
        def receipt(self, sent, count):
            return super().receipt(min(sent, 7), count)
