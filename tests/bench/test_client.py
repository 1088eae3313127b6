"""The load generator's own parts, without a server."""

import json

import pytest
from bench.cases import fanout, inbound
from bench.client.measure import Latencies
from bench.client.sockets import count_frames
from bench.generator import GeneratorFailed, Sample
from bench.prepared import (
    FRAME_BYTES,
    PLAIN,
    Dialect,
    masked,
    publication,
    publish_request,
    upgrade,
)
from bench.servers.engine_io import DIALECT as ENGINE_IO

NOTHING = dict.fromkeys(Sample.__dataclass_fields__, 0)
FULL = NOTHING | {"count": 20, "published": 3, "answered": 3, "sent": 30}


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


@pytest.mark.parametrize("dialect", [PLAIN, ENGINE_IO], ids=["plain", "engine.io"])
def test_the_text_that_clients_get_has_the_documented_size_and_its_stamp(dialect):
    payload = json.loads(publication(dialect))["payload"]

    text = dialect.before + json.dumps(payload, separators=(",", ":")) + dialect.after

    assert len(text) == FRAME_BYTES
    assert text[dialect.stamp_at : dialect.stamp_at + 19] == "@" * 19


def test_where_a_publication_is_the_text_it_is_the_one_that_others_make():
    text = json.loads(publication(Dialect(publishes_text=True)))

    assert text == {"type": "event", "payload": json.loads(publication(PLAIN))["payload"]}


def test_a_publication_names_those_whom_it_is_for():
    assert json.loads(publication(PLAIN, ["a", "b"]))["subjects"] == ["user:a", "user:b"]


def test_a_publish_request_states_its_length_and_key():
    head, _, body = publish_request("/p", {"X-Api-Key": "k"}, b"{}").partition(b"\r\n\r\n")

    assert head.startswith(b"POST /p HTTP/1.1\r\n")
    assert b"Content-Length: 2\r\n" in head
    assert head.endswith(b"X-Api-Key: k")
    assert body == b"{}"


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

        first = count_frames(wire, stream[:cut])
        second = count_frames(wire, stream[cut:])

        assert first.frames + second.frames == 3
        assert first.size + second.size == 206
        assert second.last in {b"c", b""}
        assert wire.data == b""


def test_the_last_payload_is_returned():
    assert count_frames(Wire(), frame(b"old") + frame(b"new")) == (2, 6, b"new")


def test_pings_are_answered_and_not_counted():
    wire = Wire()

    assert count_frames(wire, frame(b"hey", head=0x89)) == (0, 0, b"")
    assert wire.sent == [b"\x8a\x83\0\0\0\0hey"]


def test_only_texts_that_begin_as_they_should_count():
    stream = frame(b'42["event"]') + frame(b"2") + frame(b'43["event"]')

    assert count_frames(Wire(), stream, b"42") == (1, 11, b'42["event"]')


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
    full = FULL | {"delivered": 30, "payload_bytes": 30 * FRAME_BYTES}

    case.check("x", Sample(**full))
    with pytest.raises(GeneratorFailed, match="30 expected"):
        case.check("x", Sample(**full | {"delivered": 29}))


def test_a_delivery_of_another_size_makes_a_run_not_count():
    (case,) = fanout(["x"], connections=[10], windows=[1], rate=0, seconds=1)
    short = FULL | {"delivered": 30, "payload_bytes": 30 * FRAME_BYTES - 1}

    with pytest.raises(GeneratorFailed, match="30 expected"):
        case.check("x", Sample(**short))


def test_a_run_in_which_nothing_was_measured_does_not_count():
    (case,) = fanout(["x"], connections=[10], windows=[1], rate=0, seconds=1)

    with pytest.raises(GeneratorFailed, match="nothing came"):
        case.check("x", Sample(**NOTHING))


def test_a_missing_answer_makes_a_run_not_count():
    (case,) = fanout(["x"], connections=[10], windows=[1], rate=0, seconds=1)
    full = FULL | {"delivered": 30, "payload_bytes": 30 * FRAME_BYTES}

    with pytest.raises(GeneratorFailed):
        case.check("x", Sample(**full | {"answered": 2}))


def test_messages_are_counted_not_bursts():
    single, pings, messages = inbound(["x"], connections=1, seconds=1)
    replies = Sample(**NOTHING | {"count": 32})

    assert single.units(replies) == 32
    assert pings.units(replies) == 32
    assert messages.units(replies) == 32 * 16
