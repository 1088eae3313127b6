"""Our own built-in plugins against the suites of their kinds."""

from __future__ import annotations

import pytest

from gatewright.builtin.anonymous import gatewright_auth
from gatewright.builtin.file_dead_letters import gatewright_dead_letters
from gatewright.builtin.memory_presence import gatewright_presence
from gatewright.testing.conformance import (
    AuthenticatorCase,
    AuthenticatorConformance,
    DeadLetterCase,
    DeadLetterConformance,
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
