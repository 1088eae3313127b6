"""The suite of rate limits: our own passes, and every broken one breaks its rule alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.conformance import assert_each_breaks_its_rule

from gatewright.builtin.token_bucket import gatewright_rate_limit
from gatewright.testing.conformance import RateLimitCase, RateLimitConformance


class TestTokenBucket(RateLimitConformance):
    @pytest.fixture
    def case(self):
        options = {"per_second": 5, "burst": 10}
        return RateLimitCase(factory=gatewright_rate_limit(), options=options)


def test_every_rule_is_broken_by_one_backend_alone(pytester):
    path = Path(__file__).with_name("broken_rate_limits.py")
    assert_each_breaks_its_rule(pytester, path, RateLimitConformance)
