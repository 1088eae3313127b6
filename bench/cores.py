"""Which cores the server and the load generator have."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["CLIENT", "SERVER", "pinned"]


def _split() -> tuple[set[int], set[int]]:
    cores = sorted(os.sched_getaffinity(0))
    return ({cores[0]}, {cores[-1]}) if len(cores) > 1 else (set(cores), set(cores))


SERVER, CLIENT = _split()


@contextmanager
def pinned(cores: set[int]) -> Iterator[None]:
    """Run on these cores alone while the context lasts; processes started in it stay there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
