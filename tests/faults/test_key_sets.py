"""A key set server that is down, wrong, slow, and then rotates its key: rows 24, 25 and 26."""

from __future__ import annotations

import asyncio

import pytest
from tests.plugins.auth_jwt.support import (
    answer,
    compressed,
    drip,
    encoded,
    endless,
    key_server,
    public_jwk,
    token,
)
from tests.support.gateway import gateway
from tests.support.survival import MEBIBYTE, counted, eventually, resident, survived
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

OLD, NEW = public_jwk("RSA", kid="old"), public_jwk("RSA-other", kid="new")
SHARED = {"kty": "oct", "kid": "old", "k": encoded(b"canary" * 8), "alg": "HS256"}
WRONG = [
    answer({}, status=500),
    answer({"keys": [OLD]}, status=302, Location="/keys"),
    drip(b'HTTP/1.1 200 X\r\nContent-Length: 100000\r\n\r\n{"keys": ['),
    endless(),
    answer(b"<html>canary</html>"),
    answer({"keys": [SHARED]}),
    answer({"keys": [public_jwk("RSA-1024", kid="old")]}),
    compressed({"keys": [OLD]}),
]
FETCHES = "gatewright_auth_jwt_key_fetches_total"


async def close_of(running, offered):
    async with connect(f"{running.url}?token={offered}") as client:
        async with asyncio.timeout(15):
            await client.wait_closed()
        return client.close_code


async def gets_in(running, offered):
    async with connect(f"{running.url}?token={offered}") as client:
        try:
            async with asyncio.timeout(10):
                await client.send('{"type":"ping"}')
                return await client.recv() == '{"type":"pong"}'
        except ConnectionClosed:
            assert client.close_code in {4401, 1013}
            return False


def in_turn(server, scripts, last):
    """Answer by each script once, then by the last one for ever."""
    waiting = list(scripts)

    async def send(stream):
        await (waiting.pop(0) if waiting else last)(stream)

    server.answer = send
    return waiting


async def test_keys_come_late_stay_through_an_outage_and_rotate(tmp_path):
    old, new = token(header={"kid": "old"}), token(key="RSA-other", header={"kid": "new"})
    async with key_server() as server:
        waiting = in_turn(server, WRONG, answer({}, status=503))
        async with gateway(tmp_path, f"auth: {{jwt: {{jwks_url: '{server.url}'}}}}") as running:
            before = resident(running.process.pid)

            # down and wrong from the start: nobody is refused for good, nothing is blocked
            async with counted(running, "gatewright_handshakes_total", result="unavailable"):
                assert await close_of(running, old) == 1013
            ready = await running.get("/ready")
            assert ready.status_code == 503
            assert ready.json()["parts"]["auth.jwt"]["ready"] is False

            async def all_were_tried():
                assert (await running.get("/health", timeout=1)).status_code == 200
                return not waiting

            await eventually(all_were_tried, 40)
            assert await close_of(running, old) == 1013
            assert await running.metric(FETCHES, result="ok") == 0
            assert resident(running.process.pid) - before < 16 * MEBIBYTE

            # it comes up: found within a second or so
            server.serve(OLD)
            await eventually(lambda: gets_in(running, old))
            assert (await running.get("/ready")).status_code == 200

            # away again, and a flood of keys that nobody has: what is known works, nobody asks
            server.answer = answer({}, status=500)
            asked = len(server.requests)
            bogus = [token(header={"kid": f"../../{number}"}) for number in range(40)]
            codes = await asyncio.gather(*(close_of(running, one) for one in bogus))
            assert set(codes) <= {4401, 1013}
            assert await gets_in(running, old)
            assert len(server.requests) <= asked + 1

            # rotated: accepted after one fetch, which an unknown key may cause every ten seconds
            server.serve(NEW)
            asked = len(server.requests)
            await eventually(lambda: gets_in(running, new), 30)
            assert len(server.requests) == asked + 1
            assert await close_of(running, old) == 4401
            await survived(running, "canary", old, new)
