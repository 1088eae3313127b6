import json

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from gatewright import InvalidPublication, Publication, PublicationLimits
from gatewright_transport_http.submission import MAX_MESSAGES, Head, read_head, read_submission

LIMITS = PublicationLimits(max_bytes=100_000, max_subjects=10)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def read(body):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_submission(data, read_head(data), source="http", limits=LIMITS)


def refusal(body) -> str:
    with pytest.raises(InvalidPublication) as caught:
        read(body)
    return str(caught.value)


def test_a_single_publication_keeps_the_bytes_of_its_payload():
    data = b'{"subjects": ["user:42"], "payload": {"a" : 1.50, "b":"\\u00fc"} , "id": "7"}'

    submission = read(data)

    assert submission.publications == (
        Publication(("user:42",), b'{"a" : 1.50, "b":"\\u00fc"}', "7", "http"),
    )
    assert not submission.is_batch


def test_a_batch_holds_its_messages_in_order():
    submission = read(
        {
            "messages": [
                {"subjects": ["a"], "payload": 1, "id": "x"},
                {"subjects": ["b", "c"]},
            ]
        }
    )

    assert submission.is_batch
    assert submission.publications == (
        Publication(("a",), b"1", "x", "http"),
        Publication(("b", "c"), b"null", None, "http"),
    )


@pytest.mark.parametrize("beside", [{"subjects": ["a"]}, {"payload": 1}])
def test_messages_beside_a_publications_fields_are_an_unknown_field(beside):
    submission = read({"messages": "ignored"} | beside)

    assert not submission.is_batch


def test_an_empty_batch_is_valid():
    assert read({"messages": []}).publications == ()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"messages": {}}, "messages must be an array of objects"),
        ({"messages": None}, "messages must be an array of objects"),
        ({"messages": [{}, 7]}, "messages[1]: must be a JSON object with subjects and payload"),
        (
            {"messages": [{"subjects": "a"}]},
            "messages[0]: subjects must be an array of strings",
        ),
        (
            {"messages": [{"subjects": ["s"] * 2}, {"subjects": [str(n) for n in range(11)]}]},
            "messages[1]: 11 subjects, the limit is 10",
        ),
        (
            {"messages": [{"subjects": [str(n) for n in range(6)]}] * 2},
            "12 subjects in the batch, the limit is 10",
        ),
        (
            {"messages": [{}] * (MAX_MESSAGES + 1)},
            f"{MAX_MESSAGES + 1} messages, the limit is {MAX_MESSAGES}",
        ),
        (b'{"messages":[], "x":"\xff"}', "not UTF-8 at byte 21"),
        (b"[1]", "must be a JSON object with subjects and payload"),
        (b"{", "not strict JSON: Input data was truncated"),
    ],
)
def test_what_is_wrong_is_said(body, why):
    assert refusal(body) == why


def test_endless_nesting_is_an_ordinary_refusal():
    depth = 200_000

    assert "nests" in refusal(b'{"x":' + b"[" * depth + b"]" * depth + b"}")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (b'{"api_key":"k\\u00fc"}', "kü".encode()),
        (b'{"api_key":"a","api_key":"b"}', b"b"),
        (b"{}", b""),
        (b'{"api_key":null}', b""),
        (b'{"api_key":["k"]}', b""),
        (b'{"api_key":1}', b""),
        (b'{"api_key":"\xff"}', b""),
    ],
)
def test_the_key_in_a_body_is_its_text_or_nothing(text, key):
    assert read_head(text).key == key


broken_strings = st.binary().map(lambda text: b'{"api_key":"%b","x":"%b"}' % (text, text))


@given(st.binary() | st.text().map(str.encode) | broken_strings)
def test_bytes_give_a_head_or_a_refusal(data):
    try:
        head = read_head(data)
    except InvalidPublication:
        event("refused")
    else:
        assert isinstance(head, Head)
        assert isinstance(head.key, bytes)


shapes = st.fixed_dictionaries(
    {},
    optional={
        "subjects": st.lists(st.text()) | json_values,
        "payload": json_values,
        "id": st.text() | json_values,
        "api_key": json_values,
        "messages": st.lists(
            st.fixed_dictionaries(
                {}, optional={"subjects": st.lists(st.text()), "payload": json_values}
            )
            | json_values
        )
        | json_values,
    },
)


@given(shapes)
def test_any_object_gives_publications_or_a_refusal(body):
    data = msgspec.json.encode(body)
    try:
        submission = read(data)
    except InvalidPublication:
        event("refused")
    else:
        assert all(one.source == "http" for one in submission.publications)


@given(json_values)
def test_a_payload_comes_out_as_it_went_in(value):
    payload = msgspec.json.encode(value)
    one = b'{"subjects":["a"],"payload":%b}' % payload

    assert [p.payload for p in read(one).publications] == [payload]
    assert [p.payload for p in read(b'{"messages":[%b,%b]}' % (one, one)).publications] == [
        payload,
        payload,
    ]
