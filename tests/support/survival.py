"""What every fault and every attack must leave: a gateway that lives, counts and is quiet."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from tests.support.gateway import API_KEY

MEBIBYTE = 1024 * 1024


async def survived(running, *secrets):
    """Assert that the process lives, ``/health`` answers, and no secret or traceback was told."""
    assert running.process.returncode is None
    answer = await running.get("/health", timeout=10)
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    told = "".join(running.raw_logs) + (await running.get("/metrics")).text
    told += (await running.get("/ready")).text
    for secret in (API_KEY, *secrets):
        assert secret not in told
    assert "Traceback" not in told


@contextlib.asynccontextmanager
async def counted(running, name, **labels):
    """Assert that a metric rises because of what happens within."""
    before = await running.metric(name, **labels)
    yield
    await eventually(lambda: rises(running, before, name, **labels))


async def rises(running, before, name, **labels):
    return await running.metric(name, **labels) > before


async def eventually(holds, seconds=10.0):
    """Wait until ``await holds()`` is true."""
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.02)


def resident(pid):
    """Return a process's resident memory in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0


async def descriptors_at_rest(running):
    """Return how many descriptors a gateway has open that has answered once and is left alone."""
    await running.get("/health")
    return descriptors(running.process.pid)


def descriptors(pid):
    """Return how many descriptors a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
