"""The load generator's own parts, without a server."""

import json

import pytest
from bench.cases import fanout, inbound
from bench.client.measure import Latencies
from bench.client.sockets import count_frames
from bench.generator import GeneratorFailed, Sample
from bench.prepared import FRAME_BYTES, STAMP_AT, masked, publication, publish_request, upgrade

NOTHING = dict.fromkeys(Sample.__dataclass_fields__, 0)


class Wire:
    """Stands in for a connection."""

    def __init__(self):
        self.data = b""
        self.sent = []

    def transmit(self, data):
        self.sent.append(data)


def frame(payload, head=0x81):
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
    return bytes([head]) + length + payload


def test_the_frame_that_clients_get_has_the_documented_size_and_its_stamp():
    payload = json.loads(publication())["payload"]

    text = '{"type":"event","payload":' + json.dumps(payload, separators=(",", ":")) + "}"

    assert len(text) == FRAME_BYTES
    assert text[STAMP_AT : STAMP_AT + 19] == "@" * 19


def test_a_publish_request_states_its_length_and_key():
    head, _, body = publish_request("/p", {"X-Api-Key": "k"}).partition(b"\r\n\r\n")

    assert head.startswith(b"POST /p HTTP/1.1\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert head.endswith(b"X-Api-Key: k")


def test_an_upgrade_request_ends_with_an_empty_line():
    assert upgrade("/ws?user=1").startswith(b"GET /ws?user=1 HTTP/1.1\r\nHost: ")
    assert upgrade("/ws?user=1").endswith(b"\r\n\r\n")


def test_a_masked_frame_unmasks_to_its_text():
    data = masked("hello")

    mask, body = data[2:6], data[6:]

    assert data[:2] == b"\x81\x85"
    assert bytes(byte ^ mask[at % 4] for at, byte in enumerate(body)) == b"hello"


def test_frames_are_counted_however_they_are_cut():
    stream = frame(b"a" * 5) + frame(b"b" * 200) + frame(b"c")
    for cut in range(1, len(stream)):
        wire = Wire()

        first, _ = count_frames(wire, stream[:cut])
        second, last = count_frames(wire, stream[cut:])

        assert first + second == 3
        assert last in {b"c", b""}
        assert wire.data == b""


def test_the_last_payload_is_returned():
    assert count_frames(Wire(), frame(b"old") + frame(b"new")) == (2, b"new")


def test_pings_are_answered_and_not_counted():
    wire = Wire()

    assert count_frames(wire, frame(b"hey", head=0x89)) == (0, b"")
    assert wire.sent == [b"\x8a\x83\0\0\0\0hey"]


def test_quantiles_are_within_a_thirty_second_of_the_truth():
    latencies = Latencies()
    for value in range(1, 1001):
        latencies.record(value * 1_000_000)

    assert latencies.samples == 1000
    assert latencies.quantile(0.5) == pytest.approx(500, rel=1 / 32)
    assert latencies.quantile(0.99) == pytest.approx(990, rel=1 / 32)


def test_without_samples_there_is_no_latency():
    assert Latencies().quantile(0.5) == 0.0


def test_a_missing_delivery_makes_a_run_not_count():
    (case,) = fanout(["x"], connections=[10], windows=[1], rate=0, seconds=1)
    full = Sample(**NOTHING | {"published": 3, "answered": 3, "sent": 30, "delivered": 30})
    short = Sample(**NOTHING | {"published": 3, "answered": 3, "sent": 30, "delivered": 29})

    case.check("x", full)
    with pytest.raises(GeneratorFailed, match="30 expected"):
        case.check("x", short)


def test_a_missing_answer_makes_a_run_not_count():
    (case,) = fanout(["x"], connections=[10], windows=[1], rate=0, seconds=1)
    unanswered = Sample(**NOTHING | {"published": 3, "answered": 2, "sent": 30, "delivered": 30})

    with pytest.raises(GeneratorFailed):
        case.check("x", unanswered)


def test_messages_are_counted_not_bursts():
    single, pings, messages = inbound(["x"], connections=1, seconds=1)
    replies = Sample(**NOTHING | {"count": 32})

    assert single.units(replies) == 32
    assert pings.units(replies) == 32
    assert messages.units(replies) == 32 * 16
