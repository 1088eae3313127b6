"""Row 27: a peer whose link goes down says nothing; in a network namespace of its own.

The gateway runs in one namespace, the client in another, and the cable between them is cut. Both
belong to a user namespace, so no privilege is needed where the kernel allows those.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys

import pytest

pytestmark = pytest.mark.anyio

GATEWAY, CLIENT = "10.77.0.1", "10.77.0.2"
CABLE = f"""
set -eu
mount -t tmpfs none /run
mkdir -p /run/netns
ip netns add far
ip link add near type veth peer name away netns far
ip addr add {GATEWAY}/24 dev near
ip link set near up
ip link set lo up
ip -n far addr add {CLIENT}/24 dev away
ip -n far link set away up
exec "$@"
"""


@contextlib.asynccontextmanager
async def world(script, *arguments):
    """Run a script of this folder where the cable is; yield its process."""
    process = await asyncio.create_subprocess_exec(
        *("unshare", "--user", "--map-root-user", "--net", "--mount", "--kill-child", "--fork"),
        *("sh", "-c", CABLE, "cable", sys.executable, "-m", script, *arguments),
        env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@pytest.mark.parametrize("driver", ["direct", "asgi"])
async def test_a_peer_behind_a_cut_cable_is_noticed_and_told(driver):
    async with world("tests.faults.half_open", driver) as process:
        async with asyncio.timeout(60):
            output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    found = json.loads(output.splitlines()[-1])
    assert found["online"] == 1
    assert found["told"] == [
        ["connected", "42"],
        ["connected", "near"],
        ["disconnected", "42"],
    ]
    assert 0.5 <= found["seconds"] <= 10.0  # interval 2, timeout 1; nobody else tells
    assert found["bystander"] == '{"type":"pong"}'
    assert (found["closes"], found["carried"]) == (1, 2)
