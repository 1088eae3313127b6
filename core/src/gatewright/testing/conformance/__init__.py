"""Conformance suites: one class for each kind of plugin, with numbered rules.

Subclass the one of your kind in a test file, define its fixture ``case``, and opt in with
``pytest_plugins = ["gatewright.testing.plugin"]`` in your top-level ``conftest.py``.
"""

from __future__ import annotations

from gatewright.testing.conformance.base import Case, Conformance
from gatewright.testing.conformance.rate_limit import RateLimitCase, RateLimitConformance
from gatewright.testing.conformance.rules import Rule, rule, rules_of

__all__ = [
    "Case",
    "Conformance",
    "RateLimitCase",
    "RateLimitConformance",
    "Rule",
    "rule",
    "rules_of",
]
