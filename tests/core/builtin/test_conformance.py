"""Our own built-in plugins against the suites of their kinds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatewright import ServerInfo
from gatewright.builtin import console_events, none_events
from gatewright.builtin.anonymous import gatewright_auth
from gatewright.builtin.dev_console import gatewright_extension
from gatewright.builtin.file_dead_letters import gatewright_dead_letters
from gatewright.builtin.memory_bus import gatewright_bus
from gatewright.builtin.memory_presence import gatewright_presence
from gatewright.testing.conformance import (
    AuthenticatorCase,
    AuthenticatorConformance,
    BusCase,
    BusConformance,
    DeadLetterCase,
    DeadLetterConformance,
    EventSinkCase,
    EventSinkConformance,
    ExtensionCase,
    ExtensionConformance,
    PresenceCase,
    PresenceConformance,
)


class TestAnonymous(AuthenticatorConformance):
    @pytest.fixture
    def case(self):
        bad = ["\x07" * 8, "x" * 513]
        return AuthenticatorCase(factory=gatewright_auth(), token=str, bad_tokens=bad)


class TestFile(DeadLetterConformance):
    @pytest.fixture
    def case(self, tmp_path):
        options = {"path": str(tmp_path / "dead-letters.jsonl")}
        return DeadLetterCase(factory=gatewright_dead_letters(), options=options)


class TestMemoryPresence(PresenceConformance):
    @pytest.fixture
    def case(self):
        return PresenceCase(factory=gatewright_presence())


class TestDevConsole(ExtensionConformance):
    @pytest.fixture
    def case(self):
        factory = gatewright_extension()

        def in_development(settings, context):
            server = ServerInfo(development=True)
            return factory.open(settings, replace(context, server=server))

        return ExtensionCase(factory=replace(factory, open=in_development))


class TestMemoryBus(BusConformance):
    @pytest.fixture
    def case(self):
        return BusCase(factory=gatewright_bus())


class TestConsoleEvents(EventSinkConformance):
    @pytest.fixture
    def case(self):
        return EventSinkCase(factory=console_events.gatewright_events())


class TestNoneEvents(EventSinkConformance):
    @pytest.fixture
    def case(self):
        return EventSinkCase(factory=none_events.gatewright_events())
