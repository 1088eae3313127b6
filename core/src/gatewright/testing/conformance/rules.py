"""Numbered rules: what each test of a conformance suite is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

__all__ = ["Rule", "rule", "rule_of", "rules_of"]

F = TypeVar("F", bound=Callable[..., Any])

_MARK: Final = "gatewright_rule"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a backend must do.

    Attributes:
        number: Its name, such as ``RATE-2``; it never means anything else.
        text: What the backend must do, as one sentence.
        capability: Only for backends whose factory provides this; ``None``: for all.
    """

    number: str
    text: str
    capability: str | None = None


def rule(number: str, text: str, *, capability: str | None = None) -> Callable[[F], F]:
    """Say which rule a test is about."""

    def mark(test: F) -> F:
        setattr(test, _MARK, Rule(number, text, capability))
        return test

    return mark


def rule_of(test: object) -> Rule | None:
    """Return the rule that a test is about, if it is about one."""
    found = getattr(test, _MARK, None)
    return found if isinstance(found, Rule) else None


def rules_of(suite: type) -> Sequence[Rule]:
    """Return the rules of a suite in the order of their definition, those for every kind first."""
    found: dict[str, Rule] = {}
    for cls in reversed(suite.__mro__):
        for attribute in vars(cls).values():
            if (about := rule_of(attribute)) is not None:
                found[about.number] = about
    return tuple(found.values())
