"""Rules for rate limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest

from gatewright.model import ConnectionInfo
from gatewright.plugin.protocols import Admission, RateLimit
from gatewright.plugin.spec import Kind
from gatewright.testing.clock import FakeClock
from gatewright.testing.conformance.base import Case, Conformance
from gatewright.testing.conformance.rules import rule
from gatewright.testing.opening import Around

__all__ = ["RateLimitCase", "RateLimitConformance"]


@dataclass(frozen=True, kw_only=True)
class RateLimitCase(Case):
    """A rate limit under test, with options under which it limits something.

    Attributes:
        shared: Whether connections share one limit, so that one takes from another.
    """

    shared: bool = False


def connection(number: int = 1) -> ConnectionInfo:
    """Return a connection of a user of its own."""
    user = f"user-{number}"
    return ConnectionInfo(f"connection-{number}", user, (f"user:{user}",), 1_700_000_000)


class RateLimitConformance(Conformance[RateLimitCase]):
    """Rules for a `gatewright.RateLimit`, on a clock that stands still unless a rule moves it."""

    kind: ClassVar[Kind] = "rate_limit"

    @pytest.fixture
    def clock(self) -> FakeClock:
        """Return the clock that the plugin's context has."""
        return FakeClock()

    @rule(
        "RATE-1", "`per_second` and `burst` are finite numbers, and a limit that limits has both."
    )
    async def test_rate_1_states_its_size(self, case: RateLimitCase, clock: FakeClock) -> None:
        async with self.running(case, Around(clock=clock)) as limit:
            assert 0 < limit.per_second < float("inf")
            assert 1 <= limit.burst < float("inf")

    @rule("RATE-2", "A connection that was silent may send `burst` messages at once.")
    async def test_rate_2_admits_a_burst(self, case: RateLimitCase, clock: FakeClock) -> None:
        async with self.running(case, Around(clock=clock)) as limit:
            burst = int(limit.burst)
            assert [*map(bool, self._asked(limit, burst))] == [True] * burst

    @rule("RATE-3", "Not many more than `burst` are admitted while no time passes.")
    async def test_rate_3_refuses_what_is_beyond(
        self, case: RateLimitCase, clock: FakeClock
    ) -> None:
        async with self.running(case, Around(clock=clock)) as limit:
            asked = self._asked(limit, 2 * int(limit.burst) + 10)
            assert sum(asked) <= limit.burst + 1
            assert not asked[-1]

    @rule("RATE-4", "With time, messages are admitted again: about `per_second` each second.")
    async def test_rate_4_admits_again(self, case: RateLimitCase, clock: FakeClock) -> None:
        async with self.running(case, Around(clock=clock)) as limit:
            admission = self._admission(limit)
            while admission.admit():
                pass
            seconds = 2 / limit.per_second
            clock.advance(seconds)
            admitted = 0
            while admission.admit():
                admitted += 1
            assert 1 <= admitted <= 3  # two, give or take a fraction

    @rule("RATE-5", "Connections have limits of their own, unless the case says that they share.")
    async def test_rate_5_one_does_not_pay_for_another(
        self, case: RateLimitCase, clock: FakeClock
    ) -> None:
        async with self.running(case, Around(clock=clock)) as limit:
            greedy, modest = self._admission(limit, 1), self._admission(limit, 2)
            while greedy.admit():
                pass
            assert modest.admit() is not case.shared

    @rule("RATE-6", "`admit` answers with a bool at once: it is no coroutine.")
    async def test_rate_6_answers_at_once(self, case: RateLimitCase, clock: FakeClock) -> None:
        async with self.running(case, Around(clock=clock)) as limit:
            assert isinstance(self._admission(limit).admit(), bool)

    def _admission(self, limit: RateLimit, number: int = 1) -> Admission:
        admission = limit.admission(connection(number))
        assert admission is not None, "with these options, nothing is limited"
        return admission

    def _asked(self, limit: RateLimit, times: int) -> list[bool]:
        admission = self._admission(limit)
        return [admission.admit() for _ in range(times)]
