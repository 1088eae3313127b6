"""Rows 34 and 35: the short form of `tests.faults.connect_storm`, and the edges of handshakes."""

from __future__ import annotations

import asyncio

import pytest
from tests.faults import connect_storm
from tests.support.gateway import gateway
from tests.support.raw import UPGRADE, dial, exchange, until_closed, upgrade
from tests.support.survival import counted, descriptors, descriptors_at_rest, eventually, survived

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


async def test_a_storm_of_handshakes_costs_nobody_a_message(tmp_path):
    outcome = await connect_storm.run(tmp_path, clients=150)
    connect_storm.check(outcome, 150)
    assert outcome.gone_after < 5  # a second, on a machine with nothing else to do
    assert outcome.cut_after < 15


@pytest.fixture(scope="module")
async def running(tmp_path_factory):
    sections = "limits: {handshake_seconds: 1}"
    async with gateway(tmp_path_factory.mktemp("gateway"), sections) as started:
        yield started


@pytest.mark.parametrize(
    "head",
    [
        upgrade("/ws?token=a").replace(b"Version: 13", b"Version: 8"),
        upgrade("/ws?token=a").replace(b"Sec-WebSocket-Key", b"X-Other"),
        upgrade("/ws?token=a").replace(b"HTTP/1.1", b"HTTP/1.0"),
        upgrade("/ws?token=a", b"Sec-WebSocket-Protocol: \xff\r\n"),
        upgrade("/ws?token=a", b"Sec-WebSocket-Extensions: \xc3\xbc\r\n"),
        upgrade("/ws?token=a", b"Connection: \xff, Upgrade\r\n"),
        b"POST /ws HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n" + UPGRADE + b"\r\nabc",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,
        b"\0" * 20_000,
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0",
    ],
)
async def test_a_handshake_that_is_none_is_answered_and_hung_up_on(running, head):
    before = await descriptors_at_rest(running)
    for answer in await asyncio.gather(*(exchange(running.host, head) for _ in range(5))):
        assert answer.startswith(b"HTTP/1.1 4"), answer
    await eventually(lambda: given_back(running, before))
    await survived(running)


async def given_back(running, before):
    return descriptors(running.process.pid) <= before


@pytest.mark.parametrize(
    "said",
    [b"", b"GET /he", b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", upgrade()[:-2]],
)
async def test_who_says_too_little_is_cut_off(running, said):
    async with asyncio.timeout(10):
        reader, writer = await dial(running.host)
        writer.write(said)
        await until_closed(reader)
        writer.transport.abort()
    await survived(running)


async def test_a_header_of_more_than_16_kib_is_431(running):
    for size, good in ((15_000, True), (17_000, False), (60_000, False)):
        padding = b"X-Padding: " + b"p" * size + b"\r\n"
        close = b"Connection: close\r\n"
        request = b"GET /health HTTP/1.1\r\nHost: x\r\n" + padding + close + b"\r\n"
        answer = await exchange(running.host, request)
        assert answer.startswith(b"HTTP/1.1 200" if good else b"HTTP/1.1 431"), (size, answer)
    async with counted(running, "gatewright_handshakes_total", result="bad_head"):
        padding = b"X-Padding: " + b"p" * 17_000 + b"\r\n"
        answer = await exchange(running.host, upgrade("/ws?token=a", padding))
        assert answer.startswith(b"HTTP/1.1 431")
    many = b"".join(b"X-%d: 1\r\n" % number for number in range(3000))
    assert (await exchange(running.host, upgrade("/ws?token=a", many))).startswith(b"HTTP/1.1 431")
    long = upgrade("/ws?token=a&more=" + "q" * 17_000)
    assert (await exchange(running.host, long)).startswith(b"HTTP/1.1 431")
    await survived(running)
