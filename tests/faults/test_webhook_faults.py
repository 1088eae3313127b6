"""Every way a webhook can fail, side by side in one gateway: rows 17, 18, 20, 21 and 22."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiohttp import web
from tests.support.gateway import gateway
from tests.support.raw import misbehaving
from tests.support.receiver import receiver
from tests.support.survival import MEBIBYTE, eventually, resident, survived

pytestmark = pytest.mark.anyio

EVENTS = ["connected", "message_received", "message_received", "disconnected"]
GIVEN_UP = {  # sink: the reason of its dead letters, and the attempts that each had
    "e500": ("attempts", 3),
    "e400": ("rejected", 1),
    "loop": ("rejected", 1),
    "drip_body": ("attempts", 2),
    "drip_headers": ("attempts", 2),
    "silent": ("attempts", 2),
    "refused": ("attempts", 2),
    "unknown_host": ("attempts", 2),
    "plain": ("attempts", 2),
    "denied": ("attempts", 2),
}
BOMB = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"


class Bomber:
    """Answers with a compressed body that never ends, as fast as it is taken."""

    sent = 0

    async def __call__(self, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(BOMB)
        while True:
            writer.write(b"10000\r\n" + b"\0" * 65536 + b"\r\n")
            await writer.drain()
            self.sent += 65536


async def drip(reader, writer, head):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(head)
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drip_body(reader, writer):
    await drip(reader, writer, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")


async def drip_headers(reader, writer):
    await drip(reader, writer, b"HTTP/1.1 200 OK\r\nX-Slow: ")


async def silent(reader, _writer):
    await reader.read()


async def elsewhere(request, _number):
    return web.Response(status=302, headers={"Location": str(request.headers["Host"])})


class Busy:
    """Says once that it is busy for a second, and remembers when it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, _request, number):
        self.asked.append(time.monotonic())
        if number == 0:
            return web.Response(status=429, headers={"Retry-After": "1"})
        return 204


@asynccontextmanager
async def receivers():
    """Start every receiver; yield them by the label of their sink, and the sinks' urls."""
    async with AsyncExitStack() as stack:
        scripted = {
            "ok": await stack.enter_async_context(receiver()),
            "e500": await stack.enter_async_context(receiver(lambda _r, _n: 500)),
            "e503": await stack.enter_async_context(
                receiver(lambda _r, number: 503 if number == 0 else 204)
            ),
            "busy": await stack.enter_async_context(receiver(Busy())),
            "e400": await stack.enter_async_context(receiver(lambda _r, _n: 400)),
            "off": await stack.enter_async_context(receiver(lambda _r, _n: 404)),
            "loop": await stack.enter_async_context(receiver(elsewhere)),
            "denied": await stack.enter_async_context(receiver()),
        }
        bomber = Bomber()
        raw = {
            "bomb": bomber,
            "drip_body": drip_body,
            "drip_headers": drip_headers,
            "silent": silent,
        }
        urls = {label: one.url for label, one in scripted.items()}
        for label, handle in raw.items():
            port = await stack.enter_async_context(misbehaving(handle))
            urls[label] = f"http://127.0.0.1:{port}/"
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            urls["refused"] = f"http://127.0.0.1:{unused.getsockname()[1]}/"
            urls["unknown_host"] = "http://nobody.invalid/"
            urls["plain"] = scripted["ok"].url.replace("http:", "https:")
            urls["denied"] = scripted["denied"].url.replace("127.0.0.1", "0x7f.1")
            yield scripted, urls, bomber


def sinks(urls):
    """Configure a sink for each url; one secret signs, another hides in a url."""
    lines = ["events:"]
    for label, url in urls.items():
        options = {
            "url": url.replace("://", "://user:canary-password@", 1),
            "secret": "canary-secret",
            "attempts": GIVEN_UP.get(label, ("", 3))[1],
            "base_seconds": 0.05,
            "timeout_seconds": 0.4 if label in {"drip_body", "drip_headers", "silent"} else 5,
        }
        if label == "denied":
            options["deny_networks"] = ["127.0.0.0/8"]
        lines.append(f"  webhook/{label}: {json.dumps(options)}")
    return "\n".join(lines)


@pytest.fixture(scope="module")
async def outcome(tmp_path_factory):
    """Run one client past all of them; return what everybody saw."""
    directory = tmp_path_factory.mktemp("gateway")
    async with receivers() as (scripted, urls, bomber):
        async with gateway(directory, sinks(urls)) as running:
            before = resident(running.process.pid)
            async with running.socket() as client:
                for number in range(2):
                    await client.send(json.dumps({"n": number}))
                await client.send('{"type":"ping"}')
                async with asyncio.timeout(5):  # while all of them fail
                    assert await client.recv() == '{"type":"pong"}'
            letters = directory / "state" / "dead-letters.jsonl"
            await eventually(lambda: written(letters, 4 * len(GIVEN_UP)), 30)
            await eventually(lambda: idle(running, urls), 30)
            await survived(running, "canary-password", "canary-secret")
            grown = resident(running.process.pid) - before
            attempts = {
                (label, result): await running.metric(
                    "gatewright_sink_attempts_total", sink=f"webhook/{label}", result=result
                )
                for label in urls
                for result in ("done", "retry", "rejected", "receiver_off")
            }
        lines = [json.loads(line) for line in letters.read_text().splitlines()]
        yield scripted, bomber, grown, attempts, lines


async def written(letters, count):
    return letters.exists() and len(letters.read_bytes().splitlines()) >= count


async def idle(running, urls):
    waiting = [
        await running.metric("gatewright_lane_events", sink=f"webhook/{label}") for label in urls
    ]
    return not any(waiting)


async def test_a_healthy_sink_gets_everything_in_order_beside_the_failing_ones(outcome):
    scripted, _, _, attempts, _ = outcome
    assert [one.type for one in scripted["ok"].taken] == EVENTS
    assert attempts["ok", "done"] == 4


@pytest.mark.parametrize("label", GIVEN_UP)
async def test_what_cannot_be_delivered_is_a_dead_letter_in_order(outcome, label):
    lines = [one for one in outcome[4] if one["target"] == f"webhook/{label}"]
    assert [one["type"] for one in lines] == EVENTS
    assert {(one["reason"], one["attempts"]) for one in lines} == {GIVEN_UP[label]}
    told = json.dumps(lines)
    assert "canary" not in told


async def test_nothing_else_is_a_dead_letter(outcome):
    assert {one["target"].partition("/")[2] for one in outcome[4]} == set(GIVEN_UP)


async def test_a_retry_carries_the_same_id(outcome):
    requests = outcome[0]["e500"].requests
    ids = Counter(one.headers["Webhook-Id"] for one in requests)
    assert set(ids.values()) == {3}
    assert len(ids) == 4


async def test_what_is_answered_in_the_end_is_delivered_in_order(outcome):
    scripted, _, _, attempts, _ = outcome
    for label in ("e503", "busy"):
        assert [one.type for one in scripted[label].taken] == EVENTS
        assert (attempts[label, "retry"], attempts[label, "done"]) == (1, 4)


async def test_retry_after_is_honoured(outcome):
    first, second = outcome[0]["busy"].answer.asked[:2]
    assert second - first >= 1.0


async def test_a_rejected_event_had_one_attempt(outcome):
    for label in ("e400", "loop"):
        assert len(outcome[0][label].requests) == 4  # nobody follows a redirect
        assert outcome[3][label, "rejected"] == 4


async def test_404_is_a_receiver_that_is_off(outcome):
    assert len(outcome[0]["off"].requests) == 4
    assert outcome[3]["off", "receiver_off"] == 4


async def test_a_bomb_is_neither_read_nor_kept(outcome):
    _, bomber, grown, attempts, _ = outcome
    assert attempts["bomb", "done"] == 4
    assert bomber.sent < 64 * MEBIBYTE  # what sockets hold, not what the bomber has
    assert grown < 48 * MEBIBYTE


async def test_a_denied_network_is_not_reached(outcome):
    assert outcome[0]["denied"].requests == []
