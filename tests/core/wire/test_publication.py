import contextlib
import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.wire.reference import ATTACKS, TEXTS, VALUES, is_object, nesting, strict

from gatewright import InvalidPublication, Publication, PublicationLimits, parse_publication
from gatewright.wire.publication import check_publication


def refusal(data: bytes, **limits: int) -> tuple[str, str]:
    with pytest.raises(InvalidPublication) as caught:
        parse_publication(data, limits=PublicationLimits(**limits))
    return caught.value.reason, str(caught.value)


def pretty(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


def parsed(data: bytes) -> Publication | None:
    try:
        return parse_publication(data)
    except InvalidPublication:
        return None


@pytest.mark.parametrize(
    ("data", "subjects", "payload", "key"),
    [
        (b"{}", (), b"null", None),
        (b'{"payload":null}', (), b"null", None),
        (b'{"subjects":[],"payload":1}', (), b"1", None),
        (b'{"subjects":["user:42"],"payload":{"a":1}}', ("user:42",), b'{"a":1}', None),
        (b'{"payload": { "a" : [ 1,2 ] } ,"subjects":[ "a" ]}', ("a",), b'{ "a" : [ 1,2 ] }', None),
        (b'{"subjects":["a","b","a"]}', ("a", "b"), b"null", None),
        ('{"subjects":["user:Jürgen @/ x"]}'.encode(), ("user:Jürgen @/ x",), b"null", None),
        (b'{"subjects":["",""]}', ("",), b"null", None),
        (b'{"subjects":["\\u00e9"],"payload":"\\u00e9"}', ("é",), b'"\\u00e9"', None),
        (b'{"traceparent":"00-1","api_key":null,"payload":true}', (), b"true", None),
        (b'{"payload":1,"payload":2}', (), b"2", None),
        (b'{"payload":1.0E+2}', (), b"1.0E+2", None),
        (b'{"payload":123456789012345678901234567890}', (), b"1234567890" * 3, None),
        (b'{"id":"abc"}', (), b"null", "abc"),
        (b'{"id":null}', (), b"null", None),
    ],
)
def test_publications(
    data: bytes, subjects: tuple[str, ...], payload: bytes, key: str | None
) -> None:
    assert parse_publication(data, source="http") == Publication(subjects, payload, key, "http")


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"[]", "must be a JSON object with subjects and payload"),
        (b"null", "must be a JSON object with subjects and payload"),
        (b'"x"', "must be a JSON object with subjects and payload"),
        (b'{"subjects":null}', "subjects must be an array of strings"),
        (b'{"subjects":"a"}', "subjects must be an array of strings"),
        (b'{"subjects":{"a":1}}', "subjects must be an array of strings"),
        (b'{"subjects":["a",1]}', "subjects must be an array of strings"),
        (b'{"subjects":["a",null]}', "subjects must be an array of strings"),
        (b'{"subjects":[["a"]]}', "subjects must be an array of strings"),
        (b'{"id":""}', "id must be text of 1 to 512 bytes"),
        (b'{"id":5}', "id must be text of 1 to 512 bytes"),
        (b'{"id":' + b"9" * 5000 + b"}", "id must be text of 1 to 512 bytes"),
        (b'{"id":["a"]}', "id must be text of 1 to 512 bytes"),
        (b'{"id":"' + b"x" * 513 + b'"}', "id must be text of 1 to 512 bytes"),
        (b'{"payload":"\xff"}', "not UTF-8 at byte 12"),
        (b'{"x":"\xc3\x28"}', "not UTF-8 at byte 6"),
        (b'{"payload":"\xed\xa0\x80"}', "not UTF-8 at byte 12"),
        (b'{"payload":"\xc0\xaf"}', "not UTF-8 at byte 12"),
        (b'{"payload":"\xf5\x80\x80\x80"}', "not UTF-8 at byte 12"),
        (b'{"payload":"\xe2\x82', "not UTF-8 at byte 12"),
    ],
)
def test_what_is_no_publication_and_why(data: bytes, detail: str) -> None:
    assert refusal(data) == ("parse_error", detail)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"{} {}",
        b"\xef\xbb\xbf{}",
        b'{"payload":}',
        b'{"payload":NaN}',
        b'{"payload":-Infinity}',
        b'{"payload":[1,]}',
        b'{"payload":01}',
        b'{"payload":"\\ud800"}',
        b'{"payload":"\\ud800 and on and on"}',
        b'{"payload":{"\\udc00":1}}',
        b'{"subjects":["\\ud800"]}',
        b'{"id":"\\ud800"}',
        b'{"x":"\\ud800"}',
        b'{"payload":"\x00"}',
        b'{"payload":"\n"}',
        b'{"payload":tru}',
        b"{'payload':1}",
        b'{"payload":1}\x00',
    ],
)
def test_what_is_not_strict_json_is_refused(data: bytes) -> None:
    reason, detail = refusal(data)

    assert reason == "parse_error"
    assert detail.startswith("not strict JSON: ")


def test_a_payload_of_128_levels_is_in_and_of_129_is_out() -> None:
    deep = b"[" * 128 + b"]" * 128

    assert parse_publication(b'{"payload":%b}' % deep).payload == deep
    assert refusal(b'{"payload":[%b]}' % deep) == (
        "parse_error",
        "payload nests deeper than 128 levels",
    )
    mixed = b'{"a":[' * 64 + b"]}" * 64
    assert parse_publication(b'{"payload":%b}' % mixed).payload == mixed
    assert refusal(b'{"payload":{"":%b}}' % mixed)[1] == "payload nests deeper than 128 levels"


@pytest.mark.parametrize("name", ["payload", "subjects", "id", "unknown"])
def test_whatever_nests_without_end_is_refused(name: str) -> None:
    assert refusal(b'{"%b":%b%b}' % (name.encode(), b"[" * 400_000, b"]" * 400_000)) == (
        "parse_error",
        "nests deeper than 128 levels",
    )


def test_brackets_in_strings_do_not_nest() -> None:
    payload = json.dumps(["[{" * 1000, '\\"[' * 1000]).encode()

    assert parse_publication(b'{"payload":%b}' % payload).payload == payload


def test_limits_are_told_from_what_cannot_be_read() -> None:
    assert refusal(b'{"payload":"xxxx"}', max_bytes=10) == (
        "too_large",
        "18 bytes, the limit is 10",
    )
    assert refusal(b'{"subjects":["a","b","c"]}', max_subjects=2) == (
        "too_large",
        "3 subjects, the limit is 2",
    )


def test_limits_hold_exactly() -> None:
    data = b'{"subjects":["a","b"]}'

    assert parse_publication(data, limits=PublicationLimits(len(data), 2))
    subjects = json.dumps({"subjects": [str(n) for n in range(10_000)]}).encode()
    assert len(parse_publication(subjects).subjects) == 10_000


def test_a_publication_that_is_a_value_is_held_to_the_same_limits() -> None:
    limits = PublicationLimits(max_bytes=4, max_subjects=1)
    check_publication(Publication(("a",), b"1234"), limits)

    with pytest.raises(InvalidPublication, match="payload of 5 bytes, the limit is 4"):
        check_publication(Publication(("a",), b"12345"), limits)
    with pytest.raises(InvalidPublication, match="2 subjects, the limit is 1"):
        check_publication(Publication(("a", "b"), b"1"), limits)


def test_no_refusal_repeats_what_was_published() -> None:
    for data in (
        b'{"subjects":"canary"}',
        b'{"payload":canary}',
        b'"canary"',
        b'{"id":["canary"]}',
    ):
        assert "canary" not in refusal(data)[1]


@given(TEXTS.map(lambda text: text.encode(errors="replace")) | st.binary())
@settings(max_examples=500)
def test_nothing_but_invalid_publication_is_ever_raised(data: bytes) -> None:
    parsed(data)
    parsed(b'{"subjects":[%b],"payload":%b,"id":%b}' % (data, data, data))


@given(TEXTS)
@settings(max_examples=1000)
def test_a_second_opinion_agrees_on_what_a_payload_may_be(text: str) -> None:
    try:
        value = strict(text)
    except ValueError:
        expected = False
    else:
        expected = nesting(value) <= 128
    try:
        data = b'{"payload":%b}' % text.encode()
    except UnicodeEncodeError:
        return
    # A text such as `1,"x":2` is no value, but gives an object all the same.
    if expected or not is_object(data.decode()):
        assert (parsed(data) is not None) == expected


@given(VALUES, st.text(" \t\n\r", max_size=5), st.sampled_from([json.dumps, pretty]))
def test_payload_bytes_come_out_as_they_went_in(
    value: object, space: str, dump: Callable[[object], str]
) -> None:
    payload = dump(value).encode()
    data = b'{"x":1,"payload":%b%b%b,"subjects":["a"]}' % (space.encode(), payload, space.encode())

    assert parse_publication(data).payload == payload


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_subjects_come_out_once_each_and_in_order(subjects: list[str]) -> None:
    data = json.dumps({"subjects": subjects}).encode()

    assert parse_publication(data).subjects == tuple(dict.fromkeys(subjects))


@given(st.binary(max_size=8).filter(lambda data: not _is_utf8(data)))
def test_bytes_that_are_not_utf_8_are_refused_wherever_they_are(data: bytes) -> None:
    for template in (b'{"payload":"%b"}', b'{"x":"%b"}', b'{"%b":1}', b'{"subjects":["%b"]}'):
        assert refusal(template % data)[0] == "parse_error"


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("field", ["payload", "subjects", "id", "x", None])
def test_a_hostile_mebibyte_takes_linear_time(text: str, field: str | None) -> None:
    data = text.encode() if field is None else f'{{"{field}":{text}}}'.encode()
    started = time.process_time()
    with contextlib.suppress(InvalidPublication):
        parse_publication(data, limits=PublicationLimits(max_bytes=2_000_000))
    assert time.process_time() - started < 1


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
