"""An event loop that stands still, or a whole process that does: row 38."""

from __future__ import annotations

import json
import signal

import httpx
import pytest
from tests.support.gateway import gateway
from tests.support.raw import frame, next_frame, raw_socket
from tests.support.survival import survived

pytestmark = pytest.mark.anyio

SECTIONS = """
server: {{bind: "127.0.0.1:0", socket_driver: {}}}
keepalive: {{interval_seconds: 0.5, timeout_seconds: 0.5}}
"""
DRIVERS = pytest.mark.parametrize("driver", ["direct", "asgi"])
BLOCKING = """
class Backend:
    def on_event(self, event):
        if b'"stall"' in event.body:
            time.sleep(3.5)
"""


@DRIVERS
async def test_a_plugin_that_blocks_is_named_and_costs_no_client(tmp_path, made, driver):
    made.plugin("extension", "blocking", BLOCKING)
    sections = f"{SECTIONS.format(driver)}extensions: {{blocking: {{}}}}"
    async with gateway(tmp_path, sections, environ=made.environ) as running:
        others = [await running.socket(str(number)) for number in range(10)]
        async with running.socket("culprit") as culprit, raw_socket(running) as (reader, writer):
            assert (await next_frame(reader))[0] == 9  # a ping: due to be answered in half a second
            await culprit.send('{"stall":true}')
            told = await running.logged("the event loop stands still")  # while it still does
            assert any("made_blocking.py" in line and "on_event" in line for line in told["stack"])
            writer.write(frame(10))  # comes in during the stall, and counts
            assert (await next_frame(reader))[0] == 9
            assert await running.metric("gatewright_loop_stalls_total") == 1
            for client in [*others, culprit]:
                await client.send('{"type":"heartbeat"}')
                assert await client.recv() == '{"type":"heartbeat_ack"}'
            assert await running.publish("back", "user:3") == 1
            assert json.loads(await others[3].recv())["payload"] == "back"
        await survived(running)
        for client in others:
            await client.close()
        assert await running.metric("gatewright_closes_total", code="1011") == 0


@DRIVERS
async def test_a_stopped_process_is_not_ready_and_loses_nobody(tmp_path, driver):
    async with gateway(tmp_path, SECTIONS.format(driver)) as running:
        clients = [await running.socket(str(number)) for number in range(10)]
        async with raw_socket(running) as (reader, writer):
            assert (await next_frame(reader))[0] == 9  # a ping: due to be answered in half a second
            running.process.send_signal(signal.SIGSTOP)
            writer.write(frame(10))
            with pytest.raises(httpx.TimeoutException):
                await running.get("/ready", timeout=1.5)
            running.process.send_signal(signal.SIGCONT)
            assert (await running.get("/ready", timeout=10)).status_code == 200
            for _ in range(2):  # the next pings, and no close: the pong counts
                assert (await next_frame(reader))[0] == 9
                writer.write(frame(10))
        for client in clients:
            await client.send('{"type":"ping"}')
            assert await client.recv() == '{"type":"pong"}'
            await client.close()
        await survived(running)
