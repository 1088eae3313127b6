"""How WebSockets end (RFC 6455, section 7), on each driver: codes, order, and half-closed peers."""

from __future__ import annotations

import asyncio
import struct

import pytest
from tests.core.server.test_drivers import close_frame, raw
from tests.support.raw import frame, next_frame, until_closed

from gatewright.server.drivers import direct_socket
from gatewright.server.hypercorn import ws_stream

pytestmark = pytest.mark.anyio

TEXT, CLOSE = 1, 8
CLOSE_CODES = (*range(1000, 1004), *range(1007, 1014), 3000, 3999, 4000, 4999)
LATEST = 1014  # wsproto, which reads for the asgi driver, takes it for one that is not assigned


def closing(code, reason=b""):
    return frame(CLOSE, struct.pack("!H", code) + reason)


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    """Let servers wait for the peer's close frame for longer than a test may take."""
    for module in (direct_socket, ws_stream):
        monkeypatch.setattr(module, "LINGER_SECONDS", 300.0)


async def ended(served, index=0):
    session = await served.session(index)
    await session.is_closed.wait()
    return session.ended


async def test_a_peers_code_comes_back_and_reaches_the_session(served_by):
    reasons = ["", "bye", "ü" * 61 + "."]  # the last one has the 123 bytes that there may be
    async with served_by() as served:
        for index, code in enumerate(CLOSE_CODES):
            reason = reasons[index % len(reasons)]
            async with raw(served) as (reader, writer):
                writer.write(closing(code, reason.encode()))
                assert (await close_frame(reader))[0] == code
                assert await until_closed(reader) == b""
            assert await ended(served, index) == (code, reason)


async def test_the_code_that_was_assigned_last_is_answered(served_by):
    async with served_by() as served, raw(served) as (reader, writer):
        writer.write(closing(LATEST))
        code, _ = await close_frame(reader)
        assert code == (LATEST if served.driver == "direct" else 1002)


async def test_the_servers_code_goes_out_as_it_is(served_by):
    async with served_by() as served:
        for index, code in enumerate((*CLOSE_CODES, LATEST)):
            async with raw(served) as (reader, writer):
                session = await served.session(index)
                session.socket.close(code, "ü" * 61)
                assert await close_frame(reader) == (code, "ü" * 61)
                writer.write(closing(code))
                assert await until_closed(reader) == b""
            assert await ended(served, index) == (code, "ü" * 61)


async def test_an_empty_close_frame_is_answered_with_an_empty_one(served_by):
    async with served_by() as served, raw(served) as (reader, writer):
        writer.write(frame(CLOSE))
        assert await next_frame(reader) == (CLOSE, b"")
        assert await until_closed(reader) == b""
        assert await ended(served) == (1005, "")


async def test_what_was_sent_before_a_close_frame_is_answered_before_it(served_by):
    async with served_by() as served, raw(served) as (reader, writer):
        writer.write(frame(9, b"first") + frame(9, b"second") + closing(1000))
        assert [await next_frame(reader) for _ in range(3)] == [
            (10, b"first"),
            (10, b"second"),
            (CLOSE, struct.pack("!H", 1000)),
        ]


async def test_the_servers_code_stands_whatever_the_peer_answers(served_by):
    async with served_by() as served, raw(served) as (reader, writer):
        session = await served.session()
        session.socket.close(4401, "no")
        assert await close_frame(reader) == (4401, "no")
        writer.write(closing(1000))
        assert await until_closed(reader) == b""
        assert await ended(served) == (4401, "no")


async def test_while_the_server_closes_messages_are_none(served_by):
    async with served_by() as served, raw(served) as (reader, writer):
        session = await served.session()
        session.socket.close(4401)
        writer.write(frame(TEXT, b"late") + frame(9, b"ping") + closing(4401))
        assert await until_closed(reader) == b"\x88\x02" + struct.pack("!H", 4401)
        assert await ended(served) == (4401, "")
        assert session.texts == []


async def test_a_violation_while_the_server_closes_ends_the_wait(served_by):
    async with served_by() as served, raw(served) as (reader, writer):
        session = await served.session()
        session.socket.close(4401)
        assert await close_frame(reader) == (4401, "")
        writer.write(frame(3))
        assert await until_closed(reader) == b""
        assert await ended(served) == (4401, "")


async def test_both_may_close_at_once(served_by):
    async with served_by() as served, raw(served) as (reader, writer):
        session = await served.session()
        writer.write(closing(1001))
        session.socket.close(4401)  # what the peer sent is not read yet
        code, _ = await close_frame(reader)
        assert code in {1001, 4401}
        assert await until_closed(reader) == b""
        assert (await ended(served))[0] == code


async def test_who_half_closes_without_a_close_frame_is_1006(served_by):
    async with served_by() as served, raw(served) as (reader, writer):
        writer.write(frame(TEXT, b"last words"))
        writer.write_eof()
        await until_closed(reader)
        assert await ended(served) == (1006, "")
        assert (await served.session()).texts == ["last words"]


async def test_who_half_closes_after_a_close_frame_still_gets_the_answer(served_by):
    async with served_by() as served, raw(served) as (reader, writer):
        writer.write(closing(4001, b"bye"))
        writer.write_eof()
        assert (await close_frame(reader))[0] == 4001
        assert await until_closed(reader) == b""
        assert await ended(served) == (4001, "bye")


async def test_who_half_closes_while_the_server_closes_is_done(served_by):
    async with served_by() as served, raw(served) as (reader, writer):
        session = await served.session()
        session.socket.close(4401)
        writer.write_eof()
        assert (await close_frame(reader))[0] == 4401
        assert await until_closed(reader) == b""
        assert await ended(served) == (4401, "")


@pytest.mark.parametrize("half", [True, False], ids=["half-closed", "reset"])
async def test_a_message_that_nobody_ends_goes_nowhere(served_by, half):
    async with served_by() as served, raw(served) as (reader, writer):
        session = await served.session()
        writer.write(frame(TEXT, b"whole") + frame(TEXT, b"half", fin=False) + frame(0, b"x")[:-1])
        assert await next_frame(reader) == (TEXT, b"whole")
        if half:
            writer.write_eof()
        else:
            writer.transport.abort()
        async with asyncio.timeout(5):
            assert await ended(served) == (1006, "")
        assert session.texts == ["whole"]
