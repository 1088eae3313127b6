import json

from hypothesis import given
from hypothesis import strategies as st
from tests.core.wire.reference import VALUES, nesting

from gatewright.wire.strict import nests_deeper_than, utf8_error


@given(VALUES, st.integers(0, 5))
def test_nesting_is_counted_as_a_parser_counts_it(value: object, limit: int) -> None:
    assert nests_deeper_than(json.dumps(value).encode(), limit) == (nesting(value) > limit)


@given(st.binary(), st.integers(0, 3))
def test_no_bytes_kill_the_count(data: bytes, limit: int) -> None:
    assert nests_deeper_than(data, limit) in {True, False}


@given(st.binary())
def test_utf_8_is_what_python_decodes(data: bytes) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        assert utf8_error(data) == f"not UTF-8 at byte {error.start}"  # noqa: PT017 - either way
    else:
        assert utf8_error(data) is None
