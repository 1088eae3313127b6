"""How many connections there may be: in total, and per address."""

from __future__ import annotations

import resource
from collections import Counter
from contextlib import suppress
from typing import Final

__all__ = ["SPARE_DESCRIPTORS", "Caps", "Full", "descriptor_cap", "room_for_sockets"]

SPARE_DESCRIPTORS: Final = 128
"""Descriptors kept for everything but client sockets: brokers, files, HTTP requests."""


class Full(Exception):
    """There is no room for another connection.

    Attributes:
        by_address: Whether only this address has too many.
    """

    def __init__(self, *, by_address: bool) -> None:
        self.by_address = by_address
        super().__init__(by_address)


class Caps:
    """Counts places from the handshake's start to the socket's end."""

    def __init__(self, *, total: int | None, per_address: int | None) -> None:
        self._total = total
        self._per_address = per_address
        self._taken = 0
        self._by_address: Counter[str] = Counter()

    def take(self, address: str) -> None:
        """Take a place; give it back with `release`.

        Raises:
            Full: There is none.
        """
        if self._total is not None and self._taken >= self._total:
            raise Full(by_address=False)
        if self._per_address is not None and address:
            if self._by_address[address] >= self._per_address:
                raise Full(by_address=True)
            self._by_address[address] += 1
        self._taken += 1

    def release(self, address: str) -> None:
        """Give a place back."""
        self._taken -= 1
        if self._per_address is not None and address:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]


def descriptor_cap() -> int | None:
    """Raise the soft limit of open files to the hard one if we may; return what sockets then fit.

    ``None`` where files are unlimited. The cap refuses clients before ``accept`` itself would fail,
    which hurts everybody.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):  # some systems call it unlimited and allow less
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    if soft == resource.RLIM_INFINITY:
        return None
    return room_for_sockets(soft)


def room_for_sockets(files: int) -> int:
    """Return how many client sockets fit where so many files may be open."""
    return max(files - SPARE_DESCRIPTORS, files // 2)
