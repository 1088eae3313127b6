import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.wire.reference import ATTACKS, TEXTS, VALUES, is_object, strict

from gatewright.wire.inbound import Kind, classify, refresh_token


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"type":"ping"}', Kind.PING),
        ('{"type":"ping","n":[1,{"a":null}]}', Kind.PING),
        (' \t\r\n{ "type" : "ping" } ', Kind.PING),
        ('{"\\u0074ype":"p\\u0069ng"}', Kind.PING),
        ('{"type":"heartbeat"}', Kind.HEARTBEAT),
        ('{"type":"refresh","token":"x"}', Kind.REFRESH),
        ('{"type":"refresh"}', Kind.REFRESH),
        ("{}", Kind.OBJECT),
        ('{"type":"Ping"}', Kind.OBJECT),
        ('{"type":"ping "}', Kind.OBJECT),
        ('{"type":null}', Kind.OBJECT),
        ('{"type":["ping"]}', Kind.OBJECT),
        ('{"type":{"type":"ping"}}', Kind.OBJECT),
        ('{"a":{"type":"ping"}}', Kind.OBJECT),
        ('{"type":"😀"}', Kind.OBJECT),
        ('{"a":1e999}', Kind.OBJECT),
        ('{"a":"\\ud83d\\ude00"}', Kind.OBJECT),
        ('{"a":"\x7f\u2028"}', Kind.OBJECT),
        ("[]", Kind.RAW),
        ('"ping"', Kind.RAW),
        ("1", Kind.RAW),
        ("null", Kind.RAW),
        ("", Kind.RAW),
        ("ping", Kind.RAW),
        ('{"type":"ping"', Kind.RAW),
        ('{"type":"ping"} {}', Kind.RAW),
        ('{"type":"ping",}', Kind.RAW),
        ('{"type":"ping","a":NaN}', Kind.RAW),
        ('{"type":"ping","a":-Infinity}', Kind.RAW),
        ('{"type":"ping","a":01}', Kind.RAW),
        ('{"type":"ping","a":"\\ud800"}', Kind.RAW),
        ('{"type":"ping","a":"\\ude00\\ud83d"}', Kind.RAW),
        ('{"type":"ping","\\ud800":1}', Kind.RAW),
        ('{"type":"ping","a":"\t"}', Kind.RAW),
        ('{"type":"\\ud800"}', Kind.RAW),
        ("{'type':'ping'}", Kind.RAW),
        ('\ufeff{"type":"ping"}', Kind.RAW),
        ("\xa0{}", Kind.RAW),
        ('{"a":"\ud800"}', Kind.RAW),
    ],
)
def test_what_a_text_is(text: str, kind: Kind) -> None:
    assert classify(text) is kind


def test_of_a_name_written_twice_the_last_holds() -> None:
    assert classify('{"type":"ping","type":"x"}') is Kind.OBJECT
    assert classify('{"type":"x","type":"ping"}') is Kind.PING
    assert classify('{"type":1,"type":"ping"}') is Kind.PING


@pytest.mark.parametrize(("start", "end"), [('{"a":', "}"), ('{"a":[', "]}")])
def test_128_levels_are_an_object_and_129_are_not(start: str, end: str) -> None:
    levels = start.count("{") + start.count("[")
    times = 128 // levels

    assert classify(f"{start * times}1{end * times}") is Kind.OBJECT
    assert classify(f"{start * times}[]{end * times}") is Kind.RAW
    assert classify(f'{{"type":"ping","a":{"[" * 127}{"]" * 127}}}') is Kind.PING
    assert classify(f'{{"type":"ping","a":{"[" * 128}{"]" * 128}}}') is Kind.RAW


def test_brackets_in_strings_do_not_nest() -> None:
    assert classify(json.dumps({"type": "ping", "a": '[{"' * 1000})) is Kind.PING


def test_width_is_not_depth() -> None:
    assert classify(json.dumps({"a": [[{}]] * 10_000})) is Kind.OBJECT


@given(TEXTS)
@settings(max_examples=1000)
def test_a_second_opinion_agrees_on_what_is_an_object(text: str) -> None:
    assert (classify(text) is not Kind.RAW) == is_object(text)


@given(TEXTS)
@settings(max_examples=500)
def test_a_second_opinion_agrees_on_the_type(text: str) -> None:
    kinds = {"ping": Kind.PING, "heartbeat": Kind.HEARTBEAT, "refresh": Kind.REFRESH}
    if is_object(text):
        value = strict(text)
        assert isinstance(value, dict)
        of_type = value.get("type")
        expected = kinds.get(of_type, Kind.OBJECT) if isinstance(of_type, str) else Kind.OBJECT
        assert classify(text) is expected


@given(st.text(st.characters()))
def test_no_text_kills_it(text: str) -> None:
    assert classify(text) in Kind
    refresh_token(text)


@given(st.dictionaries(st.text(max_size=3), VALUES))
def test_every_object_is_known_as_one(value: dict[str, object]) -> None:
    text = json.dumps(value | {"type": "x"})

    assert classify(text) is Kind.OBJECT or not is_object(text)


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_a_hostile_mebibyte_takes_linear_time(text: str) -> None:
    started = time.process_time()
    classify(text)
    refresh_token(text)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ('{"type":"refresh","token":"abc"}', "abc"),
        ('{"token":"abc", "type":"refresh"}', "abc"),
        ('{"type":"refresh"}', None),
        ('{"type":"refresh","token":null}', None),
        ('{"type":"refresh","token":5}', None),
        ('{"type":"refresh","token":"abc","more":1}', None),
        ('["refresh","abc"]', None),
        ("{", None),
        ('{"type":"refresh","token":"\ud800"}', None),
    ],
)
def test_a_refresh_holds_exactly_type_and_token(text: str, token: str | None) -> None:
    assert refresh_token(text) == token
