"""Clocks, the operating system's accounting, and latencies in buckets."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import Final

__all__ = ["Latencies", "cpu_seconds", "resident_kib"]

_PAGE_KIB: Final = os.sysconf("SC_PAGESIZE") // 1024
_FRACTION_BITS: Final = 5


def cpu_seconds(*pids: int) -> float:
    """Return the CPU time that processes have used: user and system, all of their threads.

    This is the kernel's own clock of each process, in nanoseconds, where `/proc/<pid>/stat` would
    count in hundredths of a second.

    Raises:
        OSError: There is no such process.
    """
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def resident_kib(*pids: int) -> int:
    """Return the resident memory of processes in KiB.

    Raises:
        OSError: There is no such process.
    """
    return sum(_resident_pages(pid) for pid in pids) * _PAGE_KIB


def _resident_pages(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])


class Latencies:
    """A histogram whose buckets are a thirty-second of their value apart."""

    __slots__ = ("_buckets",)

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()

    def record(self, nanoseconds: int, times: int = 1) -> None:
        """Add one latency, or the same one several times."""
        value = max(nanoseconds, 1 << _FRACTION_BITS)
        drop = value.bit_length() - 1 - _FRACTION_BITS
        self._buckets[value >> drop << drop] += times

    @property
    def samples(self) -> int:
        """How many were recorded."""
        return self._buckets.total()

    def quantile(self, share: float) -> float:
        """Return the latency, in milliseconds, that ``share`` of all stay below; 0 without any."""
        want = int(self.samples * share)
        seen = 0
        for value in sorted(self._buckets):
            seen += self._buckets[value]
            if seen > want:
                return value / 1e6
        return 0.0
