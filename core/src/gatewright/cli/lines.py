"""Lines that are typed, or come through a pipe."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Final

__all__ = ["lines_of", "standard_input"]

CHUNK: Final = 65_536


def standard_input() -> int | None:
    """Return the descriptor of standard input, or ``None`` where there is none."""
    return None if sys.stdin is None else sys.stdin.fileno()


async def lines_of(source: int) -> AsyncIterator[bytes]:
    """Yield the lines of a file descriptor without their ends, until it ends.

    They are read in a thread of its own: a terminal's read cannot be cancelled, and a file not be
    polled. The thread is a daemon and reads the descriptor itself, so it never holds up the exit;
    cancelling this loses what the thread has read.
    """
    lines: asyncio.Queue[bytes | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        with suppress(RuntimeError):  # the loop is closed
            for line in _read(source):
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, name="lines", daemon=True).start()
    while (line := await lines.get()) is not None:
        yield line


def _read(source: int) -> Iterator[bytes]:
    """Yield lines; a descriptor that is closed meanwhile has ended."""
    rest = b""
    with suppress(OSError):
        while chunk := os.read(source, CHUNK):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from whole
    if rest:
        yield rest
