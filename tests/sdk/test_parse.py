"""From bytes to events."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright_sdk.errors import InvalidEvent
from gatewright_sdk.events import parse_event
from gatewright_sdk.model import Connected, Delivery, Disconnected, MessageReceived

DELIVERY = Delivery(source="webhook", id="e1", seq=3)
FIELDS = {
    "type": "connected",
    "connection_id": "c1",
    "user_id": "42",
    "subjects": ["user:42", "room:7"],
    "connected_at": 1700000000,
}
MESSAGE = FIELDS | {"type": "message_received", "message": {"say": "hi"}, "raw": '{"say":"hi"}'}


@pytest.mark.parametrize(
    ("type_", "kind"), [("connected", Connected), ("disconnected", Disconnected)]
)
def test_events_without_more(type_, kind):
    event = parse_event(json.dumps(FIELDS | {"type": type_}).encode(), DELIVERY)

    assert event == kind(
        connection_id="c1",
        user_id="42",
        subjects=("user:42", "room:7"),
        connected_at=1700000000,
        delivery=DELIVERY,
    )
    assert event.delivery is DELIVERY


def test_a_message_has_the_text_beside_the_object():
    event = parse_event(json.dumps(MESSAGE), DELIVERY)

    assert isinstance(event, MessageReceived)
    assert (event.message, event.raw) == ({"say": "hi"}, '{"say":"hi"}')


def test_fields_and_types_that_are_not_known_are_ignored():
    more = json.dumps(FIELDS | {"id": "e1", "seq": 1, "later": [None]})

    assert isinstance(parse_event(more, DELIVERY), Connected)
    assert parse_event('{"type":"ping","sent_at":1}', DELIVERY) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type": None}, "'type' of an event must be a text, found null"),
        ({"connection_id": 5}, "'connection_id' of an event must be a text, found a number"),
        ({"connection_id": ""}, "'connection_id' of an event must not be empty"),
        ({"user_id": ["4711"]}, "'user_id' of an event must be a text, found an array"),
        ({"subjects": "user:42"}, "'subjects' of an event must be an array, found a text"),
        ({"subjects": ["a", {}]}, "'subjects' of an event must hold texts, found an object"),
        ({"connected_at": True}, "'connected_at' of an event must be an integer, found a boolean"),
        ({"connected_at": 1.5}, "'connected_at' of an event must be an integer, found a number"),
        ({"message": "hi"}, "'message' of an event must be an object, found a text"),
        ({"raw": {}}, "'raw' of an event must be a text, found an object"),
    ],
)
def test_a_wrong_field_is_named_with_what_was_found(change, said):
    with pytest.raises(InvalidEvent) as caught:
        parse_event(json.dumps(MESSAGE | change), DELIVERY)

    assert said in str(caught.value)
    assert "4711" not in str(caught.value)


@pytest.mark.parametrize("name", [*MESSAGE])
def test_a_missing_field_is_named(name):
    fields = {key: value for key, value in MESSAGE.items() if key != name}

    with pytest.raises(InvalidEvent, match=f"{name}.*found nothing"):
        parse_event(json.dumps(fields), DELIVERY)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b'"connected"',
        b'{"type":NaN}',
        b'{"type":' * 100_000,
        b"[" * 100_000,
        b'{"type":1' + b"0" * 5000 + b"}",
    ],
    ids=range(9),
)
def test_what_is_no_object_is_no_event(body):
    with pytest.raises(InvalidEvent):
        parse_event(body, DELIVERY)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.fixed_dictionaries({name: st.just(value) | JSON for name, value in MESSAGE.items()}))
def test_anything_is_an_event_or_an_invalid_one(fields):
    try:
        event = parse_event(json.dumps(fields), DELIVERY)
    except InvalidEvent:
        return
    assert event is None or event.user_id == fields["user_id"]
