"""The machine runs out of descriptors, and of disk."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import pytest
from tests.support.gateway import gateway
from tests.support.survival import descriptors, eventually, survived
from websockets.exceptions import InvalidHandshake, InvalidStatus

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

DESCRIPTORS = 96
CAP = 48  # half of them are kept for everything but clients

DISK_KIB = 2048
ROOM_KIB = 16
LETTERS = 100

SERVER = 'server: {{bind: "127.0.0.1:0", socket_driver: {}}}'
WITHOUT_UVLOOP = "import sys; sys.modules['uvloop'] = None"
FEW_DESCRIPTORS = ("sh", "-c", f'ulimit -n {DESCRIPTORS}; exec "$@"', "sh")
DEAD_BACKEND = """
events: {webhook: {url: "http://127.0.0.1:9/", attempts: 1}}
lanes: {max_age: 1}
rate_limit: {token_bucket: {per_second: 0}}
"""


async def hears(running, client, payload):
    assert await running.publish(payload) >= 1
    assert json.loads(await asyncio.wait_for(client.recv(), 10))["payload"] == payload


def idle(running):
    """A connection that never says anything; the kernel takes it, whatever the gateway does."""
    host, _, port = running.host.rpartition(":")
    return socket.create_connection((host, int(port)))


async def exhausted(running):
    return descriptors(running.process.pid) >= DESCRIPTORS


async def connects(running, user):
    """Whether a client gets in, which it leaves at once."""
    try:
        async with asyncio.timeout(2), running.socket(user):
            return True
    except (OSError, TimeoutError, InvalidHandshake):
        return False


@pytest.mark.parametrize("driver", ["direct", "asgi"])
async def test_clients_are_refused_before_descriptors_are_out(tmp_path, driver):
    async with (
        gateway(tmp_path, SERVER.format(driver), under=FEW_DESCRIPTORS) as running,
        running.socket("42") as first,
        AsyncExitStack() as others,
    ):
        for number in range(CAP - 1):
            await others.enter_async_context(running.socket(f"u{number}"))
        with pytest.raises(InvalidStatus, match="503"):
            await running.socket("late")
        await hears(running, first, "full")
        assert (await running.get("/health")).status_code == 200
        await others.aclose()
        await eventually(lambda: connects(running, "again"))
        await survived(running)


@pytest.mark.parametrize(
    ("driver", "loop"), [("direct", "uvloop"), ("direct", "asyncio"), ("asgi", "uvloop")]
)
async def test_descriptors_that_are_out_cost_nobody_who_is_connected(tmp_path, driver, loop):
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_UVLOOP if loop == "asyncio" else "")
    environ = {"PYTHONPATH": str(tmp_path)}
    async with (
        gateway(tmp_path, SERVER.format(driver), environ=environ, under=FEW_DESCRIPTORS) as running,
        running.socket("42") as first,
    ):
        with ExitStack() as stack:
            for _ in range(DESCRIPTORS):
                stack.enter_context(idle(running))
            await eventually(lambda: exhausted(running))
            for number in range(20):
                await first.send(json.dumps({"number": number}))
            await asyncio.wait_for(await first.ping(), 10)
            assert not await connects(running, "late")
            logged = [entry["event"] for entry in running.logs]
            assert logged.count("no client can be accepted") <= 1
        await eventually(lambda: connects(running, "again"))
        await hears(running, first, "after")
        await survived(running)


async def test_a_full_disk_keeps_letters_in_memory_and_writes_them_when_there_is_room(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size={DISK_KIB}k none "$0" && exec "$@"'
    async with gateway(
        tmp_path,
        DEAD_BACKEND,
        environ={"STATE_DIRECTORY": str(disk)},
        under=("unshare", "--map-root-user", "--mount", "sh", "-c", mount, str(disk)),
    ) as running:
        inside = Path(f"/proc/{running.process.pid}/root{disk}")
        filler = inside / "filler"
        filler.write_bytes(bytes((DISK_KIB - ROOM_KIB) * 1024))

        async def store():
            return (await running.get("/ready")).json()["parts"]["dead_letters"]

        async def full():
            return "No space left on device" in (await store()).get("detail", "")

        async def written():
            return (await store())["waiting"] == 0 and len(numbers(inside)) == LETTERS

        async with running.socket("42") as client:
            for number in range(LETTERS):
                await client.send(json.dumps({"number": number, "fill": "x" * 1024}))
            await eventually(full, 30)
            await hears(running, client, "meanwhile")
            filler.unlink()
            await eventually(written, 30)
        assert numbers(inside) == list(range(LETTERS))
        await survived(running)


def numbers(folder):
    """The numbers in the dead letters of messages, in the order of writing."""
    lines = (folder / "dead-letters.jsonl").read_text().splitlines()
    bodies = [json.loads(json.loads(line)["payload"]) for line in lines]
    return [body["message"]["number"] for body in bodies if "message" in body]
