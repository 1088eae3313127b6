"""Which members hear a subject; a subject with one member costs no set."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Generic, TypeVar

__all__ = ["SubjectIndex"]

M = TypeVar("M")


class SubjectIndex(Generic[M]):
    """Subjects to members. Members are compared by identity and must not be sets."""

    __slots__ = ("_members",)

    def __init__(self) -> None:
        self._members: dict[str, M | set[M]] = {}

    def __len__(self) -> int:
        """Return how many subjects somebody hears."""
        return len(self._members)

    def add(self, subject: str, member: M) -> None:
        """Have ``member`` hear ``subject``; twice is once."""
        known = self._members.get(subject)
        if known is None:
            self._members[subject] = member
        elif isinstance(known, set):
            known.add(member)
        elif known is not member:
            self._members[subject] = {known, member}

    def discard(self, subject: str, member: M) -> None:
        """Have ``member`` hear ``subject`` no more; no error where it did not."""
        known = self._members.get(subject)
        if isinstance(known, set):
            known.discard(member)
            if len(known) == 1:
                self._members[subject] = known.pop()
        elif known is member:
            del self._members[subject]

    def count(self, subject: str) -> int:
        """Return how many members hear ``subject``."""
        known = self._members.get(subject)
        if known is None:
            return 0
        return len(known) if isinstance(known, set) else 1

    def matching(self, subjects: Iterable[str]) -> Collection[M]:
        """Return the members that hear any of ``subjects``, each once.

        The result may be the index's own set: use it before anything is added or removed.
        """
        found = [known for subject in subjects if (known := self._members.get(subject)) is not None]
        if not found:
            return ()
        if len(found) == 1:
            (only,) = found
            return only if isinstance(only, set) else (only,)
        union: set[M] = set()
        for known in found:
            if isinstance(known, set):
                union |= known
            else:
                union.add(known)
        return union
