"""The wall clock jumps an hour, forward and back, in a running gateway: row 47.

The process gets a ``sitecustomize`` that adds to ``time.time`` and ``datetime.now`` what a file
says; monotonic time goes on, as it does on a machine whose clock is set.
"""

from __future__ import annotations

import json

import pytest
from tests.support.gateway import gateway
from tests.support.receiver import receiver
from tests.support.survival import eventually, survived
from tests.support.tokens import public_pem, token
from websockets.asyncio.client import connect

pytestmark = pytest.mark.anyio

SHIFTED = """
import datetime, os, time

_path = os.environ["CLOCK_OFFSET_FILE"]
_time = time.time

def offset():
    with open(_path) as file:
        return float(file.read() or 0)

class Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(_time() + offset(), tz)

time.time = lambda: _time() + offset()
datetime.datetime = Shifted
"""
HOUR = 3600


async def close_of(running, offered):
    async with connect(f"{running.url}?token={offered}") as client:
        await client.wait_closed()
        return client.close_code


async def lets_in(running, offered):
    async with connect(f"{running.url}?token={offered}") as client:
        await client.send('{"type":"ping"}')
        return await client.recv() == '{"type":"pong"}'


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_only_tokens_notice_that_the_clock_was_set(tmp_path, jump):
    (tmp_path / "sitecustomize.py").write_text(SHIFTED)
    clock = tmp_path / "offset"
    clock.write_text("0")
    (tmp_path / "public.pem").write_bytes(public_pem())
    hold = True

    def answer(_request, _number):
        return 503 if hold else 204

    async with receiver(answer) as backend:
        sections = (
            f"auth: {{jwt: {{public_key_file: '{tmp_path}/public.pem'}}}}\n"
            f"events: {{webhook: {{url: '{backend.url}', attempts: 50, base_seconds: 0.1}}}}\n"
            "rate_limit: {token_bucket: {per_second: 0.001, burst: 3}}\n"
            "keepalive: {interval_seconds: 0.3, timeout_seconds: 5}\n"
            "lanes: {max_age: 30}\n"
        )
        environ = {"PYTHONPATH": str(tmp_path), "CLOCK_OFFSET_FILE": str(clock)}
        async with gateway(tmp_path, sections, environ=environ) as running:
            async with connect(f"{running.url}?token={token(expires_in=600)}") as client:
                for number in range(3):
                    await client.send(json.dumps({"n": number}))
                assert await running.publish("once", id="one") == 1
                assert json.loads(await client.recv())["payload"] == "once"
                await backend.requests_until(1)

                clock.write_text(str(jump))

                fresh, own = token(expires_in=600), token(expires_in=jump + 600)
                assert await lets_in(running, own)
                if jump > 0:  # a token of before has ended by this clock
                    assert await close_of(running, fresh) == 4401
                await client.send('{"n":"no token came back into the bucket"}')
                assert await client.recv() == '{"type":"rate_limited"}'
                assert await running.publish("once", id="one") == 1  # still known
                hold = False  # events waited for a retry, and neither aged nor vanished
                await backend.until(lambda taken: len(said(taken)) == 3)
                assert said(backend.taken) == [0, 1, 2]
                await client.send('{"type":"ping"}')
                assert await client.recv() == '{"type":"pong"}'  # and not "once" again

                clock.write_text("0")

                assert await lets_in(running, fresh)
                await eventually(lambda: nothing_spilled(running))
            await survived(running, fresh, own)


def said(taken):
    events = [one.event for one in taken]
    return [event["message"]["n"] for event in events if event["type"] == "message_received"]


async def nothing_spilled(running):
    text = (await running.get("/metrics")).text
    return "gatewright_spills_total{" not in text
