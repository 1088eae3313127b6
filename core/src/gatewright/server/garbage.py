"""Python's collector, kept from looking at what will never be garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["YOUNG", "spared"]

YOUNG: Final = 2000
"""So many new objects between two collections of the youngest, as Python 3.13 has it; a handshake
leaves some 25."""


@contextmanager
def spared() -> Iterator[None]:
    """Leave everything that is there alone while the context lasts.

    A full collection visits all that lives, for as long as 100 ms with what a gateway has imported
    and set up, and the loop stands still. With that set apart, it visits connections alone.
    """
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(max(YOUNG, thresholds[0]), *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
