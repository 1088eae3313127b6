"""What a client may send, by RFC 6455: each rule, cut at every byte."""

from __future__ import annotations

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.server.test_drivers import frame

from gatewright.server.drivers.frame_reader import CLOSING, DEAF, LATE_BYTES, FrameReader
from gatewright.wire.websocket import unmasked

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
MAX = 70_000


class Reader(FrameReader):
    def __init__(self, max_bytes=MAX):
        super().__init__(max_bytes)
        self.got = []

    def on_text(self, text):
        self.got.append(text)

    def on_binary(self, data):
        self.got.append(data)

    def on_ping(self, payload):
        self.got.append(("ping", payload))

    def on_part(self):
        self.got.append("part")

    def on_close(self, code, reason):
        self.got.append(("close", code, reason))

    def on_violation(self, violation):
        self.got.append(("violation", violation.code))


def read(data, *, step=None, max_bytes=MAX):
    reader = Reader(max_bytes)
    for at in range(0, len(data), step or max(len(data), 1)):
        reader.data_received(data[at : at + (step or len(data))])
    return reader


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 128, 65_535, 65_536, 65_537])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_every_boundary_of_the_length(opcode, size):
    payload = b"x" * size
    reader = read(frame(opcode, payload) + frame(opcode, b"next"))
    expected = [payload, b"next"]
    assert reader.got == ([each.decode() for each in expected] if opcode == TEXT else expected)
    assert reader._tail is None


def test_masks_are_undone_whatever_their_bytes():
    data = bytes(range(256)) * 3
    assert unmasked(unmasked(data, b"\x01\xff\x00\x7f"), b"\x01\xff\x00\x7f") == data


STREAM = b"".join(
    [
        frame(TEXT, "grüße €".encode()),
        frame(PING, b"p"),
        frame(TEXT, "€".encode()[:2], fin=False),
        frame(PING, b"between"),
        frame(CONTINUATION, b"", fin=False),
        frame(CONTINUATION, "€".encode()[2:] + b"!"),
        frame(PONG, b""),
        frame(BINARY, b"\x00" * 200),
        frame(CLOSE, struct.pack("!H", 4000) + b"bye"),
        frame(TEXT, b"too late"),
    ]
)
HEARD = [
    "grüße €",
    ("ping", b"p"),
    "part",
    ("ping", b"between"),
    "part",
    "€!",
    "part",
    b"\x00" * 200,
    ("close", 4000, "bye"),
]


@pytest.mark.parametrize("step", [*range(1, 40), len(STREAM)])
def test_a_stream_is_read_the_same_however_it_is_cut(step):
    assert read(STREAM, step=step).got == HEARD


@given(st.lists(st.integers(1, len(STREAM) - 1)))
def test_a_stream_is_read_the_same_wherever_it_is_cut(cuts):
    reader = Reader()
    places = [0, *sorted(set(cuts)), len(STREAM)]
    for start, end in itertools.pairwise(places):
        reader.data_received(STREAM[start:end])
    assert reader.got == HEARD


FRAGMENT = frame(TEXT, b"a", fin=False)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        *[(frame(TEXT, b"x", rsv=rsv), 1002) for rsv in (1, 2, 4, 7)],
        *[(frame(opcode, b""), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)],
        (frame(TEXT, b"x", mask=False), 1002),
        (frame(PING, b"x", fin=False), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(CLOSE, b"x" * 126), 1002),
        (frame(CONTINUATION, b"x"), 1002),
        (FRAGMENT + frame(TEXT, b"b"), 1002),
        (FRAGMENT + frame(BINARY, b"b"), 1002),
        (b"\x81\xfe\x00\x05", 1002),  # five bytes in sixteen bits
        (b"\x81\xff" + (125).to_bytes(8, "big"), 1002),
        (b"\x81\xff" + (65_535).to_bytes(8, "big"), 1002),
        (b"\x81\xff" + (1 << 63).to_bytes(8, "big"), 1002),
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, "€".encode()[:2]), 1007),
        (frame(TEXT, b"\xed\xa0\x80"), 1007),
        (frame(TEXT, b"\xce\xba\xff", fin=False), 1007),  # at once, not at the message's end
        (FRAGMENT + frame(CONTINUATION, b"\xf0\x80"), 1007),
        (frame(CLOSE, b"x"), 1002),
        *[
            (frame(CLOSE, struct.pack("!H", code)), 1002)
            for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
        ],
        (frame(CLOSE, struct.pack("!H", 1000) + b"\xff"), 1007),
    ],
)
def test_a_violation_is_told_with_its_code_and_ends_the_reading(data, code):
    for step in (1, len(data)):
        reader = read(data + b"\x00" * 6, step=step)
        assert reader.got[-1] == ("violation", code)
        heard = len(reader.got)
        reader.data_received(frame(TEXT, b"more"))
        assert len(reader.got) == heard


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999])
def test_a_close_code_that_may_be_sent_is_taken(code):
    assert read(frame(CLOSE, struct.pack("!H", code))).got == [("close", code, "")]


def test_a_close_frame_may_be_empty():
    assert read(frame(CLOSE)).got == [("close", 1005, "")]


@pytest.mark.parametrize(
    "data",
    [
        frame(TEXT, b"x" * 101),
        frame(TEXT, b"x" * 1000)[:8],  # it is enough to announce it
        frame(TEXT, b"x" * 60, fin=False) + frame(CONTINUATION, b"x" * 41),
        frame(BINARY, b"x" * 100_000)[:14],
    ],
)
def test_a_message_beyond_the_limit_is_1009_as_soon_as_it_is_known(data):
    assert read(data, max_bytes=100).got[-1] == ("violation", 1009)
    assert read(frame(TEXT, b"x" * 100), max_bytes=100).got == ["x" * 100]


def test_an_unfinished_frame_costs_no_more_than_its_own_bytes():
    reader = read(frame(TEXT, b"x" * 60_000)[:-1], step=7)
    assert reader.got == []
    assert len(reader._tail) == 60_000 + 8 - 1
    assert read(b"").got == []


def test_empty_fragments_leave_nothing_behind():
    reader = read(FRAGMENT + frame(CONTINUATION, b"", fin=False) * 10_000)
    assert len(reader._fragments.data) == 1


def test_once_this_side_closes_only_a_close_frame_is_of_interest():
    reader = Reader()
    reader._reading = CLOSING
    reader.data_received(frame(TEXT, b"x") + frame(PING, b"") + FRAGMENT + frame(CLOSE))
    assert reader.got == [("close", 1005, "")]


def test_what_is_streamed_after_a_close_is_dropped_with_flat_memory():
    reader = Reader()
    reader._reading = CLOSING
    endless = b"\x82\xff" + (1 << 40).to_bytes(8, "big") + b"mask"
    reader.data_received(endless)
    for _ in range(100):
        reader.data_received(b"x" * 4096)
    assert (reader._reading, reader._tail, reader.got) == (DEAF, None, [])
    assert reader._late <= LATE_BYTES + 4096


def test_what_comes_while_paused_is_read_afterwards_in_order():
    reader = Reader()
    reader.on_text = lambda text: (reader.got.append(text), setattr(reader, "paused", True))
    reader.data_received(frame(TEXT, b"1") + frame(TEXT, b"2"))
    reader.data_received(frame(TEXT, b"3"))
    assert reader.got == ["1"]
    for expected in (["1", "2"], ["1", "2", "3"]):
        reader.paused = False
        reader.read_on()
        assert reader.got == expected


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_no_bytes_make_it_raise(chunks):
    reader = Reader(1000)
    for chunk in chunks:
        reader.data_received(chunk)
    assert len(reader._tail or b"") <= 1000 + 14
