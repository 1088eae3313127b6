"""What is said of exceptions that plugins and their clients raise."""

import time

import pytest

from gatewright.plugin.describe import describe, escaped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no answer from redis://:hunter2@cache:6379/0", "no answer from redis://***@cache:6379/0"),
        ("'amqp://guest:hun/t@er2@mq:5672/'", "'amqp://***@mq:5672/'"),
        (
            "https://hunter2@a.example and http://u:hunter2@b",
            "https://***@a.example and http://***@b",
        ),
        ("http://a.example/users/x", "http://a.example/users/x"),
        ("mail to a@b.example", "mail to a@b.example"),
    ],
)
def test_passwords_of_addresses_are_not_repeated(text: str, shown: str) -> None:
    assert escaped(text) == shown
    assert describe(ConnectionError(text)) == f"ConnectionError: {shown}"


def test_a_password_is_hidden_before_long_text_is_cut() -> None:
    text = f"redis://:{'hunter2' * 200}@cache"

    assert escaped(text) == "redis://***@cache"


def test_hostile_text_costs_little() -> None:
    start = time.perf_counter()
    escaped("://" * 100_000)

    assert time.perf_counter() - start < 0.1
