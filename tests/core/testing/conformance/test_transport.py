"""The suite of transports: every broken one breaks its rule alone."""

from __future__ import annotations

from pathlib import Path

from tests.support.conformance import assert_each_breaks_its_rule

from gatewright.testing.conformance import Conformance, TransportConformance, rules_of

FOR_ALL = frozenset(rule.number for rule in rules_of(Conformance))


def test_every_rule_is_broken_by_one_backend_alone(pytester):
    path = Path(__file__).with_name("broken_transports.py")
    assert_each_breaks_its_rule(pytester, path, TransportConformance, besides=FOR_ALL)
