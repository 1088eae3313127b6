"""What clients choose and what reaches the log or a header: no forged line, colour or field."""

from __future__ import annotations

import io
import json
import logging

import pytest
from tests.support.gateway import gateway
from tests.support.raw import dial, exchange, upgrade
from tests.support.receiver import receiver
from tests.support.served import serve_recorders
from tests.support.survival import counted, survived
from websockets.asyncio.client import connect

from gatewright.logs import configure_logging, get_logger

pytestmark = pytest.mark.anyio

HOSTILE = [
    "a\nforged: line", "a\r\nSet-Cookie: x=1", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "a\x00b",
    "\x9b31m", "\u2028line", "\u202egnol", '","level":"critical","x":"', "\x08\x08\x7f",
    "%0d%0aX: y",
]  # fmt: skip


@pytest.fixture
def logged():
    """Return what a style of logging writes; the process's own logging is put back."""
    root = logging.getLogger()
    before = root.handlers[:], root.level

    def write(style, text):
        stream = io.StringIO()
        configure_logging("info", style, stream)
        get_logger().info("refused", user=text, reason=text)
        get_logger().bind(plugin=text).warning(text)
        logging.getLogger("library").error("said %s", text)
        return stream.getvalue()

    yield write
    root.handlers[:], root.level = before


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_in_its_line(logged, text):
    for style in ("json", "console"):
        lines = logged(style, text).splitlines()
        assert len(lines) == 3
        for line in lines:
            assert line.isprintable()
            if style == "json":
                assert json.loads(line)["level"] in {"info", "warning", "error"}


async def test_hostile_names_from_real_clients_forge_nothing(tmp_path):
    async with receiver() as backend:
        sections = (
            f"events: {{webhook: {{url: '{backend.url}'}}}}\n"
            "logging: {format: json, level: debug}\n"
            "server: {bind: '127.0.0.1:0', trusted_proxies: ['127.0.0.0/8']}"
        )
        async with gateway(tmp_path, sections) as running:
            for text in HOSTILE:
                encoded = "".join(f"%{byte:02X}" for byte in text.encode())
                await exchange(running.host, upgrade(f"/{encoded}"))
                reader, writer = await dial(running.host)
                writer.write(upgrade(f"/ws?token={encoded}"))
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 101")
                assert b"Set-Cookie" not in head
                writer.transport.abort()
            header = b"X-Forwarded-For: 1.2.3.4\x1b[31m, \x9b\xff\r\nOrigin: \x1b[31m\r\n"
            async with counted(running, "gatewright_handshakes_total", result="refused"):
                answer = await exchange(running.host, upgrade("/ws", header))
                assert answer.startswith((b"HTTP/1.1 101", b"HTTP/1.1 400"))
                answer = await exchange(running.host, upgrade("/ws?token=a%0d%0aX:%20y"))
                assert answer.startswith(b"HTTP/1.1 101")
                assert answer.endswith(b"\x88\x02\x11\x31")  # close, 4401, without a word
            async with connect(f"{running.url}?token=talker") as client:
                await client.send("\x1b[31m\nforged: line")
                await client.close(4000, "\x1b[31mreason")
            await backend.until(lambda taken: any(one.type == "disconnected" and
                one.event["user_id"] == "talker" for one in taken))  # fmt: skip
            await survived(running, "forged", "red", "Set-Cookie")
            for line in running.raw_logs:
                assert line.rstrip("\n").isprintable()
                assert json.loads(line)
        for one in backend.taken:  # what a user is called is in the body, never in a header
            assert all(value.isprintable() and value.isascii() for value in one.headers.values())
            assert "forged" not in str(one.headers)


@pytest.mark.parametrize("reason", ["x" * 200, "é" * 100, "a\r\nb", "\x1b[31m", "\N{SNOWMAN}" * 41])
async def test_a_close_reason_is_at_most_123_bytes_of_whole_characters(reason):
    async with serve_recorders() as served:
        async with connect(served.url) as client:
            (await served.session()).socket.close(4000, reason)
            await client.wait_closed()
            assert client.close_code == 4000
            assert len(client.close_reason.encode()) <= 123
            assert reason.startswith(client.close_reason)


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 5000, 70_000, -1])
async def test_a_close_code_that_no_frame_may_hold_harms_nobody(code):
    async with serve_recorders() as served:
        async with connect(served.url) as client, connect(served.url) as other:
            (await served.session()).socket.close(code, "odd")
            await client.wait_closed()
            await other.send("still here")
            assert await other.recv() == "still here"
