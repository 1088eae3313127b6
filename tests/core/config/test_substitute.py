import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.config.substitute import MALFORMED, TOO_DEEP, substitute

ENVIRON = {"SET": "value", "EMPTY": "", "TRICKY": "${SET} $${ } : [x] {y: z}", "_a1": "low"}


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("plain", "plain"),
        ("${SET}", "value"),
        ("${_a1}", "low"),
        ("${EMPTY}", ""),
        ("a${SET}b${SET}c", "avaluebvaluec"),
        ("${SET:-other}", "value"),
        ("${EMPTY:-other}", "other"),
        ("${UNSET:-other}", "other"),
        ("${UNSET:-}", ""),
        ("${UNSET:-${EMPTY:-${SET}}}", "value"),
        ("${UNSET:-a${SET}b}c", "avaluebc"),
        ("${SET:-${UNSET}}", "value"),
        ("${SET:+then}", "then"),
        ("${EMPTY:+then}", ""),
        ("${UNSET:+then}", ""),
        ("${UNSET:+${ALSO_UNSET}}", ""),
        ("${SET:+<${SET}>}", "<value>"),
        ("${TRICKY}", ENVIRON["TRICKY"]),
        ("${UNSET:-${TRICKY}}", ENVIRON["TRICKY"]),
        ("${UNSET:-a:b/c?d}", "a:b/c?d"),
        ("$${SET}", "${SET}"),
        ("${UNSET:-$${x}", "${x"),
        ("$", "$"),
        ("pa$$word$1 $SET }", "pa$$word$1 $SET }"),
        ("redis://:${SET}@redis:6379/0", "redis://:value@redis:6379/0"),
    ],
)
def test_substitution(text: str, becomes: str) -> None:
    result = substitute(text, ENVIRON)

    assert (result.text, result.unset, result.error) == (becomes, {}, None)
    assert result.changed is ("${" in text)


def test_every_name_that_is_needed_and_not_set_is_told_once() -> None:
    result = substitute("${A} ${SET:+${B}} ${A} ${SET:-${C}} ${D:-x}", ENVIRON)

    assert list(result.unset) == ["A", "B"]


@pytest.mark.parametrize(
    "text",
    ["${", "${}", "${A", "${1A}", "${A-b}", "${A:b}", "${A:?b}", "${A:-b", "${ A}", "${A:-${}}"],
)
def test_what_starts_no_substitution_is_an_error(text: str) -> None:
    assert substitute(f"secret {text}", {"A": "x"}).error == MALFORMED


def test_nesting_is_bounded() -> None:
    assert substitute("${A:-" * 16 + "x" + "}" * 16, {}).text == "x"
    assert substitute("${A:-" * 17 + "x" + "}" * 17, {}).error == TOO_DEEP


@given(st.text(), st.dictionaries(st.sampled_from("ABC"), st.text()))
def test_no_text_kills_it(text: str, environ: dict[str, str]) -> None:
    substitute(text, environ)
    substitute("${A:-" + text + "}", environ)
    substitute("${A:+" + text, environ)


@given(st.text())
def test_a_value_arrives_as_it_is_and_is_never_looked_at(value: str) -> None:
    assert substitute("${A}", {"A": value}).text == value
    assert substitute("<${B:-${A}}>", {"A": value}).text == f"<{value}>"


@given(st.text().filter(lambda text: "${" not in text))
def test_text_without_a_substitution_stays(text: str) -> None:
    result = substitute(text, ENVIRON)

    assert (result.text, result.changed) == (text, False)


def test_many_names_take_linear_time() -> None:
    text = "".join(f"${{A{n}}}" for n in range(100_000))
    started = time.process_time()
    assert len(substitute(text, {}).unset) == 100_000
    assert time.process_time() - started < 5


@pytest.mark.parametrize("part", ["${", "$${", "${A}", "${A:-", "${A:-}", "$", "}", "${A:-x}}"])
def test_large_texts_take_linear_time(part: str) -> None:
    text = part * (1_000_000 // len(part))
    started = time.process_time()
    substitute(text, {})
    assert time.process_time() - started < 5
