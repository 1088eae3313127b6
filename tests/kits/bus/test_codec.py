"""Messages as bytes and back."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright import Command, Publication
from gatewright_bus_kit import Answer, Answers, Beat, Envelope, Unreadable, decode, encode

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
subjects = st.lists(texts, max_size=5).map(tuple)
senders = st.binary(min_size=1, max_size=8)
numbers = st.integers(0, 2**63 - 1)
publications = st.builds(Publication, subjects, st.binary(max_size=300), st.none() | texts, texts)
commands = st.builds(
    Command,
    st.sampled_from(["disconnect", "subjects"]),
    st.none() | texts,
    st.none() | texts,
    st.integers(1000, 4999),
    texts,
    subjects,
    subjects,
)
answers = st.builds(
    Answers, st.lists(st.builds(Answer, senders, numbers, numbers), max_size=5).map(tuple)
)
beats = st.builds(Beat, texts, numbers, st.booleans(), st.booleans(), st.binary(max_size=8))


@given(publications | commands, senders, numbers, st.booleans())
def test_messages_come_back_as_they_were(body, sender, seq, counted):
    data = encode(body, sender=sender, seq=seq, counted=counted)

    assert decode(data) == Envelope(sender, seq, body, counted)


@given(answers | beats, senders)
def test_the_buss_own_messages_come_back_as_they_were(body, sender):
    assert decode(encode(body, sender=sender)) == Envelope(sender, 0, body)


@given(st.binary(max_size=200))
def test_a_payload_is_carried_byte_for_byte(payload):
    assert encode(Publication(("s",), payload), sender=b"s").endswith(payload)


def reading(data):
    """Return what is wrong with bytes, or nothing."""
    try:
        decode(data)
    except Unreadable as error:
        return error.reason
    return ""


@given(st.binary(max_size=100) | st.binary(max_size=100).map(lambda rest: b"\x01\x01" + rest))
def test_any_bytes_are_a_message_or_unreadable(data):
    assert reading(data) in {"", "version", "kind", "malformed"}


@given(publications | commands | answers | beats, st.integers(0, 400))
def test_a_message_cut_short_is_no_crash(body, length):
    data = encode(body, sender=b"sender")[:length]
    assert reading(data) in {"", "malformed"}


def framed(kind, fields, rest=b""):
    head = msgspec.msgpack.encode(fields)
    return bytes((1, kind)) + len(head).to_bytes(4) + head + rest


def test_a_field_that_a_newer_node_adds_is_skipped():
    data = framed(1, [b"s", 7, True, None, "http", ["user:42"], "new"], b"{}")

    assert decode(data) == Envelope(b"s", 7, Publication(("user:42",), b"{}", None, "http"), True)


def test_a_field_that_an_older_node_does_not_send_has_its_default():
    assert decode(framed(4, [b"s", "n1", 3])).body == Beat("n1", 3)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "malformed"),
        (b"\x02\x01\x00\x00\x00\x00", "version"),
        (b"\x01\x63\x00\x00\x00\x00", "kind"),
        (b"\x01\x01\x00\x00\x00\x09x", "malformed"),
        (framed(1, ["not bytes", "no number"]), "malformed"),
        (framed(2, [b"s", 1, False, "reboot", None, None, 1000, "", [], []]), "malformed"),
        (framed(1, {"a": 1}), "malformed"),
    ],
)
def test_what_is_unreadable_says_why(data, reason):
    with pytest.raises(Unreadable) as caught:
        decode(data)
    assert caught.value.reason == reason
