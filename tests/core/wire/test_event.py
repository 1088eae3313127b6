import json

from hypothesis import given
from hypothesis import strategies as st
from tests.core.wire.reference import VALUES

from gatewright.model import ConnectionInfo, Event
from gatewright.wire.event import (
    connection_fields,
    extended_body,
    message_body,
    plain_body,
    raw_message_body,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
CONNECTION = ConnectionInfo("c-1", "42", ("user:42", "news"), 1_700_000_000)
SHARED = {
    "connection_id": "c-1",
    "user_id": "42",
    "subjects": ["user:42", "news"],
    "connected_at": 1_700_000_000,
}


def test_connected_and_disconnected_hold_exactly_the_fields_of_the_contract() -> None:
    fields = connection_fields(CONNECTION)

    assert json.loads(plain_body("connected", fields)) == {"type": "connected"} | SHARED
    assert json.loads(plain_body("disconnected", fields)) == {"type": "disconnected"} | SHARED


def test_bodies_have_no_added_white_space() -> None:
    assert plain_body("connected", connection_fields(CONNECTION)) == (
        b'{"type":"connected","connection_id":"c-1","user_id":"42",'
        b'"subjects":["user:42","news"],"connected_at":1700000000}'
    )


@given(TEXT, st.lists(TEXT))
def test_names_survive_whatever_characters_they_hold(user_id: str, subjects: list[str]) -> None:
    fields = connection_fields(ConnectionInfo("c", user_id, tuple(subjects), 1))
    body = json.loads(plain_body("connected", fields))

    assert (body["user_id"], body["subjects"]) == (user_id, subjects)


@given(st.dictionaries(TEXT, VALUES), st.sampled_from([None, 1]))
def test_a_message_that_is_an_object_travels_as_object_and_as_text(
    message: dict[str, object], indent: int | None
) -> None:
    text = json.dumps(message, indent=indent)
    body = json.loads(message_body(connection_fields(CONNECTION), text))

    assert body == {"type": "message_received"} | SHARED | {"message": message, "raw": text}


@given(TEXT)
def test_any_other_message_travels_as_text(text: str) -> None:
    body = json.loads(raw_message_body(connection_fields(CONNECTION), text))

    message = {"type": "raw", "payload": text}
    assert body == {"type": "message_received"} | SHARED | {"message": message, "raw": text}


def test_an_extended_body_says_what_else_travels_beside_it() -> None:
    body = plain_body("disconnected", connection_fields(CONNECTION))
    event = Event("disconnected", "e-1", 7, "c-1", "42", body, 1.0)

    expected = {"type": "disconnected"} | SHARED | {"id": "e-1", "seq": 7}
    assert json.loads(extended_body(event)) == expected


def test_an_extended_body_says_why_where_there_is_a_reason() -> None:
    body = plain_body("disconnected", connection_fields(CONNECTION))
    event = Event("disconnected", "e-1", 7, "c-1", "42", body, 1.0, reason="node_lost")

    assert json.loads(extended_body(event))["reason"] == "node_lost"
