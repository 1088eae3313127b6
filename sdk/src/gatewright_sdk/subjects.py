"""From the application's objects to the gateway's names, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from gatewright_sdk.errors import ConfigurationError

__all__ = ["HasSubjectKey", "SubjectKeyResolver", "SubjectKeys"]

SubjectKeyResolver = Callable[[Any], str]
"""Returns the subject to publish to for whatever the application passes as one."""


@runtime_checkable
class HasSubjectKey(Protocol):
    """An object of the application that knows its own subject, such as a room."""

    def subject_key(self) -> str:
        """Return the subject to publish to, such as ``room:7``."""
        ...


@dataclass(frozen=True, slots=True)
class SubjectKeys:
    """The usual resolver: a user's id becomes ``user:<id>``, an object may know its own key.

    A text or an integer is always a user's id, whatever it looks like: the id ``user:1`` is heard
    at ``user:user:1``, so no choice of an id makes it somebody else's subject. Objects with
    ``subject_key()``, such as a room, name their subject themselves.

    Attributes:
        user_prefix: What the subjects of users begin with; gateways use ``user:``.
    """

    user_prefix: str = "user:"

    def __call__(self, subject: object) -> str:
        """Return the key of ``subject``.

        Raises:
            ConfigurationError: It is neither a text, nor an integer, nor has ``subject_key``.
        """
        if isinstance(subject, HasSubjectKey):
            return subject.subject_key()
        if isinstance(subject, str) or (isinstance(subject, int) and not isinstance(subject, bool)):
            return f"{self.user_prefix}{subject}"
        raise ConfigurationError(_no_key(subject))


def _no_key(subject: object) -> str:
    kind = type(subject).__name__
    return f"no subject for an object of type {kind}: pass a user's id, or give it subject_key()"
