"""permessage-deflate: what is agreed, what is compressed once, and what never inflates."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.wire.deflate import Deflate, TooLong, agreed, inflated, longest_deflated
from gatewright.wire.frames import Batch, Binary, Frame

PLAIN = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
SMALL = f"{PLAIN}; server_max_window_bits=12"
TAIL = b"\x00\x00\xff\xff"
TEXT = b'{"type":"event","payload":' + b'"all the same, "' * 20 + b"}"


@pytest.mark.parametrize(
    ("offers", "answer"),
    [
        ([], None),
        ([""], None),
        (["x-webkit-deflate-frame"], None),
        (["permessage-deflate"], PLAIN),
        (["permessage-deflate; client_max_window_bits"], PLAIN),  # browsers
        (["permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"], SMALL),
        (["permessage-deflate; server_max_window_bits=15"], SMALL),
        (['permessage-deflate;server_max_window_bits="14"'], SMALL),
        (["permessage-deflate; server_max_window_bits=11"], None),
        (["permessage-deflate; server_max_window_bits=8, permessage-deflate"], PLAIN),
        (["foo; a=b", "permessage-deflate"], PLAIN),
        (
            ["permessage-deflate; server_no_context_takeover; client_no_context_takeover"],
            PLAIN,
        ),
        (["permessage-deflate; server_max_window_bits"], None),
        (["permessage-deflate; server_max_window_bits=16"], None),
        (["permessage-deflate; server_max_window_bits=012"], None),
        (["permessage-deflate; client_max_window_bits=7"], None),
        (["permessage-deflate; client_max_window_bits="], None),
        (["permessage-deflate; server_no_context_takeover=1"], None),
        (["permessage-deflate; client_max_window_bits; client_max_window_bits"], None),
        (["permessage-deflate; mystery"], None),
        (["permessage-deflate;"], None),
        (["Permessage-Deflate"], None),
        (['permessage-deflate; server_max_window_bits="'], None),
    ],
)
def test_what_is_agreed_to(offers, answer):
    assert agreed(offers) == answer


@given(st.lists(st.text(max_size=60), max_size=3))
def test_no_offer_is_too_strange(offers):
    assert agreed(offers) in {None, PLAIN, SMALL}


def payload_of(wire):
    """Read one frame as a client would."""
    size, start = wire[1], 2
    if size == 126:
        size, start = int.from_bytes(wire[2:4], "big"), 4
    elif size == 127:
        size, start = int.from_bytes(wire[2:10], "big"), 10
    assert len(wire) == start + size
    data = wire[start:]
    if wire[0] & 0x40:
        inflate = zlib.decompressobj(-12)  # with no more than the window that was agreed
        data = inflate.decompress(data + TAIL)
        assert not inflate.unconsumed_tail
    return wire[0], data


@given(st.binary(max_size=200_000) | st.just(TEXT * 500), st.sampled_from([Frame, Binary]))
def test_clients_with_a_small_window_read_every_message(payload, kind):
    message = kind(payload)
    packed = Deflate(3, 0).packed(message)
    first, data = payload_of(packed.wire)
    assert data == payload
    assert first & 0x8F == message.wire[0]
    assert packed.size == len(packed.wire) <= message.size


def test_a_message_is_compressed_once_and_for_all_who_get_it(monkeypatch):
    made = []
    compressobj = zlib.compressobj

    def counting(*args):
        made.append(1)
        return compressobj(*args)

    monkeypatch.setattr(zlib, "compressobj", counting)
    deflate = Deflate(3, 0)
    frames = [Frame(TEXT), Frame(TEXT + b" ")]
    packed = deflate.packed(frames[0])
    assert deflate.packed(frames[0]) is packed
    joined = deflate.packed(Batch(frames))
    again = deflate.packed(Batch(frames[::-1]))
    assert len(made) == 2
    assert joined.wire == packed.wire + deflate.packed(frames[1]).wire
    assert again.wire == deflate.packed(frames[1]).wire + packed.wire
    assert joined.size < Batch(frames).size / 2


@pytest.mark.parametrize("payload", [b"short", b"", b"x" * 127, bytes(range(256))])
def test_what_does_not_gain_stays_as_it_is(payload):
    frame = Frame(payload)
    assert Deflate(9, 128).packed(frame).wire == frame.wire


@given(st.binary(max_size=100_000), st.integers(1, 9), st.integers(9, 15))
def test_whatever_a_client_compresses_is_read_to_its_size_and_not_beyond(payload, level, window):
    squeeze = zlib.compressobj(level, zlib.DEFLATED, -window)
    data = squeeze.compress(payload) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    data = data.removesuffix(TAIL)
    assert inflated(data, len(payload)) == payload
    assert len(data) <= longest_deflated(len(payload))
    if payload:
        with pytest.raises(TooLong):
            inflated(data, len(payload) - 1)


@pytest.mark.parametrize(
    "data",
    [
        bytes.fromhex("f248cdc9c90700"),  # RFC 7692, section 7.2.3.1
        bytes.fromhex("000500faff48656c6c6f00"),  # 7.2.3.3: a stored block
        bytes.fromhex("f348cdc9c9070000"),  # 7.2.3.4: a last block, and an octet behind it
        bytes.fromhex("f348cdc9c90700"),  # the same without the octet
        bytes.fromhex("f24805000000ffffcac9c90700"),  # 7.2.3.5: two blocks
    ],
)
def test_the_examples_of_the_rfc(data):
    assert inflated(data, 5) == b"Hello"


@pytest.mark.parametrize(
    "data", [b"\x07", b"\xff" * 9, b"\x03\x00" * 2, b"\xf3H\xcd\xc9\xc9\x07\x00x"]
)
def test_what_is_not_deflated_is_an_error(data):
    with pytest.raises(ValueError, match=r"deflated|block"):
        inflated(data, 100)


def test_a_bomb_is_inflated_only_to_the_limit():
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = squeeze.compress(b"\0" * 64 * 1024 * 1024) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    assert len(bomb) < 70_000
    inflate = zlib.decompressobj(-15)
    assert len(inflate.decompress(bomb, 1000)) == 1000  # what inflated() relies on
    with pytest.raises(TooLong):
        inflated(bomb, 999)
