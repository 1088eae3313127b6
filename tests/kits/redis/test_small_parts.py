"""Errors in one line, keys side by side, pauses."""

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ResponseError

from gatewright.testing.clock import FakeClock
from gatewright_redis_kit import UNAVAILABLE, Pauses, describe, key_beside


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (RedisConnectionError("refused"), "ConnectionError: refused"),
        (RedisConnectionError(), "ConnectionError"),
        (
            ResponseError("unknown command 'X', with args beginning with: 'secret' 'more'"),
            "ResponseError: unknown command 'X'",
        ),
        (ResponseError("two\r\nlines"), "ResponseError: two lines"),
        (ExceptionGroup("several", [OSError("first")]), "OSError: first"),
    ],
)
def test_an_error_is_one_line_without_what_was_sent(error, text):
    assert describe(error) == text


def test_long_errors_are_cut():
    assert len(describe(ResponseError("x" * 1000))) < 250


def test_refusals_count_as_unavailable():
    assert issubclass(OutOfMemoryError, UNAVAILABLE)
    assert issubclass(TimeoutError, UNAVAILABLE)


@pytest.mark.parametrize(
    ("key", "beside"),
    [("ws.dlq", "{ws.dlq}:marks"), ("{a}b", "{a}b:marks"), ("a{}", "{a{}}:marks")],
)
def test_keys_are_in_one_slot(key, beside):
    assert key_beside(key, "marks") == beside


def test_pauses_grow_to_a_second_and_after_a_minute_to_thirty():
    clock = FakeClock()
    pauses = Pauses(clock)
    early = []
    while clock.seconds < 1060:
        early.append(pauses.next())
        clock.advance(early[-1])
    late = [pauses.next() for _ in range(10)]

    assert early[0] <= 0.1
    assert max(early) <= 1
    assert 15 <= late[-1] <= 30
    pauses.reset()
    assert pauses.next() <= 0.1
