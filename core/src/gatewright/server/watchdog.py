"""Notices when the event loop stands still, and says where."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from prometheus_client import Counter, Gauge
    from structlog.typing import FilteringBoundLogger

__all__ = ["Watchdog"]

BEAT_SECONDS: Final = 0.5
STALL_SECONDS: Final = 2.0
STACK_LINES: Final = 8


class Watchdog:
    """A thread that asks the loop for a sign of life, twice a second.

    A context manager, entered on the loop's thread. A loop that gives none for two seconds is
    logged and counted once per stall, with the stack it stands at; the lag is a metric too.
    """

    def __init__(self, log: FilteringBoundLogger, lag: Gauge, stalls: Counter) -> None:
        self._log = log
        self._lag = lag
        self._stalls = stalls
        self._stop = threading.Event()
        self._beat = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="gatewright-watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._watched = threading.get_ident()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=STALL_SECONDS)

    def _watch(self) -> None:
        while not self._stop.is_set():
            asked = time.monotonic()
            self._beat.clear()
            try:
                self._loop.call_soon_threadsafe(self._beat.set)
            except RuntimeError:  # the loop is closed
                return
            if not self._beat.wait(STALL_SECONDS) and not self._stop.is_set():
                self._report()
                while not self._beat.wait(BEAT_SECONDS) and not self._stop.is_set():
                    self._lag.set(time.monotonic() - asked)
            self._lag.set(time.monotonic() - asked)
            self._stop.wait(BEAT_SECONDS)

    def _report(self) -> None:
        self._stalls.inc()
        frame = sys._current_frames().get(self._watched)  # noqa: SLF001 - there is no other way
        stack = traceback.extract_stack(frame)[-STACK_LINES:] if frame is not None else []
        where = [f"{entry.filename}:{entry.lineno} {entry.name}" for entry in stack]
        self._log.error("the event loop stands still", seconds=STALL_SECONDS, stack=where)
