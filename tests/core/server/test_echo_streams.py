"""Streams of frames to the echo server on each driver: what comes back, wherever they are cut."""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import subprocess
import sys
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support.raw import frame, upgrade

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MAX = 70_000
BOUNDARIES = (0, 1, 125, 126, 127, 65_535, 65_536, 65_537, MAX - 1, MAX)
SECONDS = 20


@dataclass(frozen=True)
class Echo:
    """A running echo server."""

    driver: str
    port: int

    @contextlib.contextmanager
    def client(self):
        """Open a WebSocket; what is written to it leaves at once."""
        with socket.create_connection(("127.0.0.1", self.port), SECONDS) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.sendall(upgrade("/"))
            with sock.makefile("rb") as stream:
                assert b"101" in stream.readline()
                while stream.readline() != b"\r\n":
                    pass
                yield sock, stream


@pytest.fixture(scope="module", params=["direct", "asgi"])
def echo(request):
    command = [sys.executable, "-m", "gatewright.testing.echo", "--bind", "127.0.0.1:0"]
    command += ["--driver", request.param, "--max-bytes", str(MAX)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            said = process.stdout.readline()  # echoing at ws://127.0.0.1:12345/ with the … driver
            assert f"with the {request.param} driver" in said
            yield Echo(request.param, int(said.split()[2].rstrip("/").rpartition(":")[2]))
        finally:
            process.kill()


def next_frame(stream):
    """Read a whole frame of a server, whose head must be the shortest; return opcode, payload."""
    first, size = stream.read(2)
    if size == 126:
        (size,) = struct.unpack("!H", stream.read(2))
        assert size > 125
    elif size == 127:
        (size,) = struct.unpack("!Q", stream.read(8))
        assert size > 65_535
    assert first & 0xF0 == 0x80
    return first & 0x0F, stream.read(size)


def closed_with(stream):
    """Read a close frame and the end; return the code, or nothing where the frame was empty."""
    opcode, payload = next_frame(stream)
    assert opcode == CLOSE
    assert stream.read() == b""
    return int.from_bytes(payload[:2])


@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["text", "binary"])
def test_sizes_at_every_boundary_come_back(echo, opcode):
    with echo.client() as (sock, stream):
        for size in BOUNDARIES:
            payload = (b"0123456789" * (size // 10 + 1))[:size]
            sock.sendall(frame(opcode, payload))
            assert next_frame(stream) == (opcode, payload)
        sock.sendall(frame(opcode, b"x" * (MAX + 1)))
        sock.shutdown(socket.SHUT_WR)
        assert closed_with(stream) == 1009


@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["text", "binary"])
def test_the_limit_is_of_the_message_and_not_of_its_frames(echo, opcode):
    half = b"x" * (MAX // 2)
    with echo.client() as (sock, stream):
        sock.sendall(frame(opcode, half, fin=False) + frame(CONTINUATION, half))
        assert next_frame(stream) == (opcode, half + half)
        sock.sendall(frame(opcode, half, fin=False) + frame(CONTINUATION, half + b"x", fin=False))
        sock.shutdown(socket.SHUT_WR)
        assert closed_with(stream) == 1009


def test_ten_thousand_pings_are_answered_in_order_between_messages(echo):
    pings = [b"%d" % number for number in range(10_000)]
    texts = [b"text %d" % number for number in range(0, 10_000, 100)]
    data = b"".join(
        frame(TEXT, b"text %s" % ping) * (index % 100 == 0) + frame(PING, ping)
        for index, ping in enumerate(pings)
    )
    with echo.client() as (sock, stream):
        sock.sendall(data)
        got = [next_frame(stream) for _ in range(len(pings) + len(texts))]
        assert [payload for opcode, payload in got if opcode == PONG] == pings
        assert [payload for opcode, payload in got if opcode == TEXT] == texts
        sock.sendall(frame(CLOSE, b"\x03\xe8"))
        assert closed_with(stream) == 1000


# -- any stream ------------------------------------------------------------------------------------


def message(opcode, parts, pings):
    """Return a message in frames with pings between, and what the server says to it."""
    data = b""
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        data += frame(CONTINUATION if index else opcode, part, fin=last)
        if not last:
            data += b"".join(frame(PING, ping) for ping in pings)
    answers = [(PONG, ping) for ping in pings] * (len(parts) - 1)
    return data, [*answers, (opcode, b"".join(parts))]


def cut(data, places):
    bounds = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(bounds)]


PLACES = st.lists(st.integers(0, 10**6), max_size=8)
CONTROL = st.binary(max_size=125)
LONG = st.sampled_from(BOUNDARIES).map(lambda size: b"x" * size)
MESSAGES = st.one_of(
    st.builds(
        message,
        st.just(TEXT),
        st.builds(lambda text, places: cut(text.encode(), places), st.text(max_size=300), PLACES),
        st.lists(CONTROL, max_size=2),
    ),
    st.builds(
        message,
        st.just(BINARY),
        st.builds(cut, st.one_of(st.binary(max_size=300), LONG), PLACES),
        st.lists(CONTROL, max_size=2),
    ),
    CONTROL.map(lambda payload: (frame(PING, payload), [(PONG, payload)])),
    CONTROL.map(lambda payload: (frame(PONG, payload), [])),
)
# What ends a stream, and the code that comes back.
CLOSES = [
    (frame(CLOSE), 0),
    *[(frame(CLOSE, struct.pack("!H", code) + b"bye"), code) for code in (1000, 1013, 3000, 4999)],
]
VIOLATIONS = [
    (frame(TEXT, b"\xff"), 1007),
    (frame(TEXT, rsv=4), 1002),
    (frame(3), 1002),
    (frame(TEXT, fin=False) + frame(TEXT), 1002),
    (frame(PING, b"x", mask=False), 1002),
    (frame(BINARY, b"x" * (MAX + 1)), 1009),
]
EVERYTHING = [
    message(TEXT, cut("aü€\N{GRINNING FACE}".encode(), range(10)), [b"p"]),
    message(BINARY, [b"", b"\0" * 126, b""], []),
    (frame(PONG, b"unasked"), []),
    message(TEXT, [b""], []),
]


@settings(max_examples=100)
@given(
    st.lists(MESSAGES, max_size=6),
    st.sampled_from([*CLOSES, *VIOLATIONS]),
    PLACES,
    st.binary(max_size=50),
)
@example(EVERYTHING, CLOSES[1], range(1000), b"")
def test_what_comes_back_is_what_the_stream_asks_for(echo, messages, end, places, late):
    data = b"".join(sent for sent, _ in messages)
    expected = [answer for _, answers in messages for answer in answers]
    last, code = end
    with echo.client() as (sock, stream):
        for piece in cut(data, places):
            sock.sendall(piece)
        got = [next_frame(stream) for _ in expected]
        if echo.driver == "asgi":  # pongs go out at once there, and may overtake messages
            got.sort(key=is_pong)
            expected.sort(key=is_pong)
        assert got == expected
        held = len(last) - 1 if end in CLOSES else 0  # a violation may be answered at once
        for piece in (*cut(last[:held], places), last[held:] + frame(TEXT, late)):
            sock.sendall(piece)
        sock.shutdown(socket.SHUT_WR)
        assert closed_with(stream) == code


def is_pong(answer):
    return answer[0] == PONG
