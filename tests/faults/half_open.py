"""The inside of `test_half_open`: a gateway here, a client in namespace ``far``, and a cable."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import httpx
from websockets.asyncio.client import connect

from gatewright.testing.harness import running_gateway

URL = "ws://10.77.0.1:8180/ws?token="
KEY = "test-key"


def config(driver):
    return {
        "server": {"bind": "10.77.0.1:8180", "socket_driver": driver},
        "keepalive": {"interval_seconds": 2, "timeout_seconds": 1},
        "transports": {"http": {"api_keys": [KEY]}},
    }


async def main(driver):
    async with running_gateway(config(driver)) as gateway:
        far = await asyncio.create_subprocess_exec(
            *("ip", "netns", "exec", "far", sys.executable, "-m", "tests.faults.half_open", "far"),
        )
        await gateway.events.wait_for("connected", user="42", seconds=30)
        async with gateway.connect("near") as bystander:
            await gateway.events.wait_for("connected", user="near")
            before = await online(gateway)
            await cut_the_cable()
            began = time.monotonic()
            await gateway.events.wait_for("disconnected", user="42", seconds=30)
            seconds = time.monotonic() - began
            async with asyncio.timeout(10):
                while await online(gateway):
                    await asyncio.sleep(0.02)
            await bystander.send('{"type":"ping"}')
            found = {
                "online": before,
                "told": [[event.type, event.user_id] for event in gateway.events.events],
                "seconds": seconds,
                "bystander": await bystander.recv(),
                "closes": gateway.metric("gatewright_closes_total", code="1011"),
                "carried": gateway.metric("gatewright_sockets_total", driver=driver),
            }
        far.kill()
        await far.wait()
    print(json.dumps(found))


async def online(gateway):
    """Ask as a backend would how many connections user 42 has."""
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(
            f"{gateway.http}/internal/connections",
            params={"user_id": "42"},
            headers={"X-Api-Key": KEY},
        )
    return len(answer.json()["connections"])


async def cut_the_cable():
    process = await asyncio.create_subprocess_exec("ip", "link", "set", "near", "down")
    assert await process.wait() == 0


async def far():
    async with connect(URL + "42"):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(far() if sys.argv[1] == "far" else main(sys.argv[1]))
