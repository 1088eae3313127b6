import time

import pytest

from gatewright.plugin.suggest import did_you_mean, listed, nearest, shown


@pytest.mark.parametrize(
    ("name", "known", "match"),
    [
        ("dns", ["dsn", "stream"], "dsn"),
        ("redis_steam", ["http", "redis_stream"], "redis_stream"),
        ("Redis-Stream", ["redis_stream"], "redis_stream"),
        ("kafka", ["http", "redis_stream"], None),
        ("x", [], None),
        ("", ["http"], None),
    ],
)
def test_the_nearest_name_is_found(name: str, known: list[str], match: str | None) -> None:
    assert nearest(name, known) == match


def test_a_hint_asks_and_no_hint_is_silent() -> None:
    assert did_you_mean("dns", ["dsn"]) == "; did you mean 'dsn'?"
    assert did_you_mean("kafka", ["dsn"]) == ""


def test_long_names_cost_nothing() -> None:
    started = time.process_time()
    assert nearest("a" * 1_000_000, ["a" * 70, "b"]) is None
    assert time.process_time() - started < 0.1


def test_lists_read_like_sentences() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_odd_names_are_shown_in_one_printable_line() -> None:
    assert shown("redis_stream/eu") == "redis_stream/eu"
    assert shown("") == "''"
    assert shown(" x") == "' x'"
    assert shown("a\nb") == r"'a\nb'"
    assert len(shown("x" * 1000)) == 60
