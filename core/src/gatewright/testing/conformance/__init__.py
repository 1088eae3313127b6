"""Conformance suites: one class for each kind of plugin, with numbered rules.

Subclass the one of your kind in a test file, define its fixture ``case``, and opt in with
``pytest_plugins = ["gatewright.testing.plugin"]`` in your top-level ``conftest.py``.
"""

from __future__ import annotations

from gatewright.testing.conformance.authenticator import (
    AuthenticatorCase,
    AuthenticatorConformance,
)
from gatewright.testing.conformance.base import Case, Conformance
from gatewright.testing.conformance.bus import BusCase, BusConformance
from gatewright.testing.conformance.dead_letters import DeadLetterCase, DeadLetterConformance
from gatewright.testing.conformance.events import EventSinkCase, EventSinkConformance, Heard
from gatewright.testing.conformance.extension import ExtensionCase, ExtensionConformance
from gatewright.testing.conformance.presence import PresenceCase, PresenceConformance
from gatewright.testing.conformance.rate_limit import RateLimitCase, RateLimitConformance
from gatewright.testing.conformance.rules import Rule, rule, rules_of
from gatewright.testing.conformance.transport import TransportCase, TransportConformance

__all__ = [
    "AuthenticatorCase",
    "AuthenticatorConformance",
    "BusCase",
    "BusConformance",
    "Case",
    "Conformance",
    "DeadLetterCase",
    "DeadLetterConformance",
    "EventSinkCase",
    "EventSinkConformance",
    "ExtensionCase",
    "ExtensionConformance",
    "Heard",
    "PresenceCase",
    "PresenceConformance",
    "RateLimitCase",
    "RateLimitConformance",
    "Rule",
    "TransportCase",
    "TransportConformance",
    "rule",
    "rules_of",
]
