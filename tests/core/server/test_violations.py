"""What clients must not send (RFC 6455, sections 5 to 8), on each driver: what closes it."""

from __future__ import annotations

import itertools
import struct

import pytest
from tests.core.server.test_drivers import close_frame, raw
from tests.support.raw import frame, next_frame, until_closed

from gatewright.server.drivers import direct_socket
from gatewright.server.hypercorn import ws_stream

pytestmark = pytest.mark.anyio

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
OPCODES = (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG)
CONTROL = (CLOSE, PING, PONG)
RESERVED = (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
MASK = b"\0\0\0\0"

NO_CLOSE_CODES = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)

NO_UTF8 = {
    "no first byte": b"\xff",
    "a continuation byte alone": b"\x80",
    "a character's beginning": b"\xe2\x82A",
    "two bytes for one": b"\xc0\xaf",
    "three bytes for one": b"\xe0\x80\xaf",
    "four bytes for two": b"\xf0\x80\x80\xaf",
    "the first surrogate": b"\xed\xa0\x80",
    "the last surrogate": b"\xed\xbf\xbf",
    "beyond Unicode": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
}


def begun(opcode=TEXT):
    return frame(opcode, b"a", fin=False)


FRAMES = {
    **{f"opcode {opcode}": frame(opcode) for opcode in RESERVED},
    **{f"opcode {opcode} in a message": begun() + frame(opcode) for opcode in RESERVED},
    **{
        f"RSV {rsv:03b} on opcode {opcode}": frame(opcode, rsv=rsv)
        for rsv, opcode in itertools.product(range(1, 8), (TEXT, BINARY, *CONTROL))
    },
    **{f"RSV {rsv:03b} in a message": begun() + frame(0, rsv=rsv) for rsv in range(1, 8)},
    **{f"no mask on opcode {opcode}": frame(opcode, mask=False) for opcode in OPCODES},
    **{f"a part of opcode {opcode}": frame(opcode, fin=False) for opcode in CONTROL},
    **{f"126 bytes of opcode {opcode}": frame(opcode, b"x" * 126) for opcode in CONTROL},
    **{f"65,536 bytes of opcode {opcode}": frame(opcode, b"x" * 65_536) for opcode in CONTROL},
    "an end without a beginning": frame(CONTINUATION, b"x"),
    "a middle without a beginning": frame(CONTINUATION, b"x", fin=False),
    "an end after the end": begun() + frame(CONTINUATION) + frame(CONTINUATION),
    **{
        f"opcode {second} within opcode {first}": begun(first) + frame(second)
        for first, second in itertools.product((TEXT, BINARY), repeat=2)
    },
    "a length of 5 in 16 bits": b"\x81\xfe\x00\x05" + MASK + b"12345",
    "a length of 125 in 16 bits": b"\x81\xfe\x00\x7d" + MASK + b"x" * 125,
    "a length of 125 in 64 bits": b"\x81\xff" + struct.pack("!Q", 125) + MASK + b"x" * 125,
    "a length of 65,535 in 64 bits": b"\x81\xff" + struct.pack("!Q", 65_535) + MASK + b"x" * 65_535,
    "a length of 64 bits": b"\x81\xff" + b"\x80" + bytes(7) + MASK,
}

CLOSE_FRAMES = {
    "half a code": (frame(CLOSE, b"\x03"), 1002),
    **{f"code {code}": (frame(CLOSE, struct.pack("!H", code)), 1002) for code in NO_CLOSE_CODES},
    **{
        f"a reason with {name}": (frame(CLOSE, struct.pack("!H", 1000) + bad), 1007)
        for name, bad in NO_UTF8.items()
    },
}


async def answered(served, data):
    """Send bytes on a connection of their own; return the codes that client and session hear."""
    number = len(served.sessions)
    async with raw(served) as (reader, writer):
        writer.write(data)
        code, _ = await close_frame(reader)
    session = await served.session(number)
    await session.is_closed.wait()
    return code, session.ended[0]


async def all_answered(served, cases):
    return {name: await answered(served, data) for name, data in cases.items()}


async def test_frames_that_must_not_be_sent_are_1002(served_by):
    async with served_by() as served:
        codes = await all_answered(served, FRAMES)
        assert codes == dict.fromkeys(FRAMES, (1002, 1002))
        heard = [text for session in served.sessions for text in session.texts]
        assert heard == ["a"]  # the one whole message there was


async def test_who_has_broken_the_rules_is_hung_up_on_although_he_stays(served_by, monkeypatch):
    for module in (direct_socket, ws_stream):
        monkeypatch.setattr(module, "LINGER_SECONDS", 0.1)
    async with served_by() as served, raw(served) as (reader, writer):
        writer.write(frame(RESERVED[0]) + frame(TEXT, b"late"))
        assert (await close_frame(reader))[0] == 1002
        assert await until_closed(reader) == b""
        session = await served.session()
        await session.is_closed.wait()
        assert (session.ended[0], session.texts) == (1002, [])


async def test_close_frames_that_must_not_be_sent_are_answered_with_what_is_wrong(served_by):
    async with served_by() as served:
        codes = await all_answered(served, {name: data for name, (data, _) in CLOSE_FRAMES.items()})
        assert codes == {name: (code, code) for name, (_, code) in CLOSE_FRAMES.items()}


async def test_text_that_is_no_utf8_is_1007_whole_and_in_parts(served_by):
    cases = {}
    for name, bad in NO_UTF8.items():
        cases[name] = frame(TEXT, b"ok" + bad)
        for at in range(1, len(bad)):
            parts = frame(TEXT, b"ok" + bad[:at], fin=False) + frame(CONTINUATION, bad[at:])
            cases[f"{name}, cut at {at}"] = parts
    async with served_by() as served:
        codes = await all_answered(served, cases)
        assert codes == dict.fromkeys(cases, (1007, 1007))


async def test_text_that_ends_within_a_character_is_1007(served_by):
    whole = "\N{GRINNING FACE}".encode()
    cases = {at: frame(TEXT, whole[:at]) for at in (1, 2, 3)}
    async with served_by() as served:
        assert await all_answered(served, cases) == dict.fromkeys(cases, (1007, 1007))


async def test_text_that_cannot_become_utf8_is_1007_before_its_message_ends(served_by):
    async with served_by() as served:
        assert await answered(served, frame(TEXT, b"ok\xff", fin=False)) == (1007, 1007)


async def test_texts_may_be_cut_within_their_characters(served_by):
    text = "a\0ü\u07ff€\uffff\N{GRINNING FACE}\U0010ffff"
    data = text.encode()
    cuts = [(data[:at], data[at:]) for at in range(len(data) + 1)]
    cuts.append([data[at : at + 1] for at in range(len(data))])
    async with served_by() as served, raw(served) as (reader, writer):
        for parts in cuts:
            for index, part in enumerate(parts):
                last = index == len(parts) - 1
                writer.write(frame(CONTINUATION if index else TEXT, part, fin=last))
        for _ in cuts:
            assert await next_frame(reader) == (TEXT, data)
        assert (await served.session()).texts == [text] * len(cuts)
