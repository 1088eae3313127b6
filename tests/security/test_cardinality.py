"""A thousand users, and everything that a client may choose: no metric grows a series for it."""

from __future__ import annotations

import asyncio
import json
import struct

import pytest
from tests.support.gateway import API_KEY, gateway, http_client
from tests.support.raw import close_frame, dial, exchange, frame, until_closed, upgrade
from tests.support.survival import eventually, survived

from gatewright.testing.servers import WebhookServer

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

AT_ONCE = 100
OWN_CODES = [1008, 1401]  # users who close with 4008 and 4401, which have series of their own


async def series(running):
    lines = (await running.get("/metrics")).text.splitlines()
    return {line.rpartition(" ")[0] for line in lines if not line.startswith("#")}


async def come_and_go(running, number, slots):
    """One user: a message, and a close with a code of its own choice."""
    async with slots:
        reader, writer = await dial(running.host)
        writer.write(upgrade(f"/ws?token=user-{number}"))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(frame(1, json.dumps({"n": number, f"key{number}": 1}).encode()))
        writer.write(frame(8, struct.pack("!H", 3000 + number % 2000) + b"reason %d" % number))
        await close_frame(reader)
        await until_closed(reader)
        writer.transport.abort()


async def ask(running, number, client):
    """One round of requests with names of its own."""
    headers = {"X-Api-Key": API_KEY}
    for path in (
        f"/nothing/{number}",
        f"/internal/users/user-{number}/connections",
        f"/internal/connections?subject=s{number}&cursor=c{number}",
    ):
        await client.get(running.http + path, headers=headers)
    body = {"subjects": [f"s{number}"], "payload": number, "id": f"id{number}"}
    await client.post(running.http + "/internal/publish", json=body, headers=headers)
    await client.request(f"METHOD{number}", running.http + "/internal/publish")


async def do_all(running, numbers):
    slots = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(come_and_go(running, number, slots) for number in numbers))
    async with http_client() as client:
        for number in numbers[:30]:
            await ask(running, number, client)
            await exchange(running.host, upgrade(f"/ws{number}"))
            await exchange(running.host, upgrade("/ws", b"Origin: https://%d.example\r\n" % number))


async def test_no_name_that_a_client_chooses_becomes_a_series(tmp_path):
    async with WebhookServer.start() as backend:
        sections = (
            f"events: {{webhook: {{url: '{backend.url}'}}}}\n"
            "server: {bind: '127.0.0.1:0', allowed_origins: ['https://app.example']}"
        )
        async with gateway(tmp_path, sections) as running:
            await do_all(running, [1, 2, 3, *OWN_CODES])
            await backend.wait_for_events(15)
            before = await series(running)
            await do_all(running, range(1000, 2000))
            await backend.wait_for_events(3015, 60)

            async def all_gone():
                return await running.metric("gatewright_connections") == 0

            await eventually(all_gone)
            assert await series(running) == before
            assert await running.metric("gatewright_closes_total", code="other") == 1001
            await survived(running, "user-1", "reason 1")
