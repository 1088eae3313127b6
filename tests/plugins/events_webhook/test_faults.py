"""Receivers that fail, lie, stall and flood."""

from __future__ import annotations

import asyncio
import socket
import time
import zlib
from pathlib import Path

import pytest
from tests.plugins.events_webhook.harness import event, opened
from tests.plugins.events_webhook.receiver import (
    Receiver,
    answer,
    blurt,
    close_after,
    drip,
    no_socket_to,
    receiving,
    reset_after,
    silence,
)
from tests.support.certificates import Certificates

from gatewright import Done, Reject, Retry

pytestmark = pytest.mark.anyio

LIMIT = 0.3  # seconds for an attempt in these tests
SLACK = 3.0  # a busy machine's
MIB = 1024 * 1024
OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


async def test_retry_after_reaches_the_core_as_seconds(receiver: Receiver) -> None:
    receiver.will(
        answer(503, "Retry-After: 7"),
        answer(429, "retry-after: Tue, 14 Nov 2023 22:16:23 GMT"),
        answer(500),
    )
    async with opened(url=receiver.url) as webhook:
        webhook.clock.wall = 1_700_000_123.0  # 22:15:23
        outcomes = [await webhook.send() for _ in range(3)]

    assert outcomes == [
        Retry("status 503", after=7.0),
        Retry("status 429", after=60.0),
        Retry("status 500"),
    ]


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.will(answer(302, f"Location: {receiver.url}"))
    async with opened(url=receiver.url) as webhook:
        assert await webhook.send() == Reject("status 302")

    assert len(receiver.received) == 1


async def test_a_redirect_to_nonsense_is_judged_all_the_same(receiver: Receiver) -> None:
    receiver.will(answer(307, "Location: http://[:::"))
    async with opened(url=receiver.url) as webhook:
        assert await webhook.send() == Reject("status 307")


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(silence, id="nothing"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\nX-Slow: "), id="headers"),
        pytest.param(drip(OK_HEAD), id="body"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\n\r\n"), id="body without length"),
    ],
)
async def test_an_attempt_ends_in_time_whatever_drips(receiver: Receiver, step) -> None:
    receiver.will(step)
    async with opened(url=receiver.url, timeout_seconds=LIMIT) as webhook:
        started = time.monotonic()
        outcome = await webhook.send()
        took = time.monotonic() - started

        assert outcome == Retry("timed out after 0.3 s")
        assert LIMIT <= took < LIMIT + SLACK
        await receiver.closed_down_to(0)


async def test_an_unanswered_tls_handshake_ends_in_time(receiver: Receiver) -> None:
    receiver.at_once = silence
    url = receiver.url.replace("http://", "https://")
    async with opened(url=url, timeout_seconds=LIMIT) as webhook:
        assert await webhook.send() == Retry("timed out after 0.3 s")


async def test_a_request_that_nobody_reads_ends_in_time_and_leaves_nothing(
    receiver: Receiver,
) -> None:
    receiver.at_once = blurt(b"")
    async with opened(url=receiver.url, timeout_seconds=LIMIT) as webhook:
        assert await webhook.send(event(body=b"x" * 16 * MIB)) == Retry("timed out after 0.3 s")
        await no_socket_to(receiver.port)


async def test_an_early_answer_to_a_request_that_nobody_reads_is_judged(
    receiver: Receiver,
) -> None:
    receiver.at_once = blurt(answer(413))
    async with opened(url=receiver.url, timeout_seconds=2) as webhook:
        assert await webhook.send(event(body=b"x" * 16 * MIB)) == Reject("status 413")
        await no_socket_to(receiver.port)


async def test_a_bomb_is_neither_decoded_nor_read_to_its_end(receiver: Receiver) -> None:
    bomb = _zipped_zeros(mebibytes=256)
    receiver.will(answer(200, "Content-Encoding: gzip", body=bomb))
    before = _memory_now_kib()
    async with opened(url=receiver.url) as webhook:
        assert await webhook.send() == Done()
        await receiver.closed_down_to(0)

    assert _peak_kib() - before < 16 * 1024


def _memory_now_kib() -> int:
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak starts anew
    return _peak_kib()


def _peak_kib() -> int:
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def _zipped_zeros(*, mebibytes: int) -> bytes:
    zipping = zlib.compressobj(level=1, wbits=31)
    zeros = bytes(MIB)
    return b"".join([zipping.compress(zeros) for _ in range(mebibytes)]) + zipping.flush()


async def test_an_endless_body_is_cut_off_early(receiver: Receiver) -> None:
    sent = 0

    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 65536)
            sent += 65536
            await writer.drain()

    receiver.will(endless)
    async with opened(url=receiver.url) as webhook:
        assert await webhook.send() == Done()
        await receiver.closed_down_to(0)

    assert sent < 16 * MIB  # what the kernel's buffers took


async def test_headers_without_end_are_no_answer(receiver: Receiver) -> None:
    receiver.will(b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 100_000)
    async with opened(url=receiver.url) as webhook:
        assert await webhook.send() == Retry("answer is not HTTP")


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "answer is not HTTP"),
        (close_after(b""), "connection closed without an answer"),
        (close_after(b"HTTP/1.1 200 OK\r\nX-Ha"), "connection closed without an answer"),
        (close_after(OK_HEAD + b"half"), "answer cut short"),
        (reset_after(b""), "connection reset"),
        (reset_after(OK_HEAD + b"half"), "answer cut short"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
            "answer is not HTTP",
        ),
    ],
)
async def test_an_answer_that_is_not_whole_is_no_answer(receiver: Receiver, step, error) -> None:
    receiver.will(step)
    async with opened(url=receiver.url) as webhook:
        assert await webhook.send() == Retry(error)
        assert await webhook.send() == Done()


async def test_a_closed_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    async with opened(url=f"http://127.0.0.1:{port}/?token=hidden") as webhook:
        assert await webhook.send() == Retry("connect refused")
        assert webhook.sink.health().detail == f"http://127.0.0.1:{port}: connect refused"


async def test_an_unknown_host_is_named() -> None:
    async with opened(url="http://gateway.invalid/") as webhook:
        assert await webhook.send() == Retry("host not found")


async def test_a_certificate_of_nobody_we_know_is_refused(certificates: Certificates) -> None:
    async with (
        receiving(certificates.server_context()) as receiver,
        opened(url=receiver.url) as webhook,
    ):
        outcome = await webhook.send()

    assert isinstance(outcome, Retry)
    assert outcome.error == "certificate not accepted: unable to get local issuer certificate"
    assert receiver.received == []


async def test_a_private_authority_is_trusted_when_named(certificates: Certificates) -> None:
    async with (
        receiving(certificates.server_context()) as receiver,
        opened(url=receiver.url, ca_file=certificates.authority) as webhook,
    ):
        assert await webhook.send() == Done()


async def test_a_certificate_for_another_name_is_refused(certificates: Certificates) -> None:
    async with receiving(certificates.server_context()) as receiver:
        url = receiver.url.replace("127.0.0.1", "localhost")
        async with opened(url=url, ca_file=certificates.authority) as webhook:
            outcome = await webhook.send()

    assert isinstance(outcome, Retry)
    assert outcome.error.startswith("certificate not accepted: Hostname mismatch")


async def test_checking_can_be_switched_off_and_says_so(certificates: Certificates) -> None:
    async with (
        receiving(certificates.server_context()) as receiver,
        opened(url=receiver.url, verify=False) as webhook,
    ):
        assert await webhook.send() == Done()

    assert [entry["event"] for entry in webhook.logged] == [
        "the webhook's certificate is not checked"
    ]


async def test_plain_http_where_tls_is_spoken_is_named(receiver: Receiver) -> None:
    receiver.at_once = blurt(answer(400))
    url = receiver.url.replace("http://", "https://")
    async with opened(url=url) as webhook:
        outcome = await webhook.send()

    assert isinstance(outcome, Retry)
    assert outcome.error.startswith("TLS failed")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1"])
async def test_a_denied_network_is_not_reached_by_any_spelling(
    receiver: Receiver, host: str
) -> None:
    url = receiver.url.replace("127.0.0.1", host)
    async with opened(url=url, deny_networks=["127.0.0.0/8", "::1/128"]) as webhook:
        assert await webhook.send() == Retry("connect failed: address in a denied network")

    assert receiver.connections == 0


async def test_a_mapped_address_does_not_hide_a_denied_network(receiver: Receiver) -> None:
    url = receiver.url.replace("127.0.0.1", "[::ffff:127.0.0.1]")
    async with opened(url=url, deny_networks=["127.0.0.0/8"]) as webhook:
        assert await webhook.send() == Retry("connect failed: address in a denied network")


async def test_other_networks_are_reached_beside_a_denied_one(receiver: Receiver) -> None:
    async with opened(url=receiver.url, deny_networks=["10.0.0.0/8"]) as webhook:
        assert await webhook.send() == Done()
