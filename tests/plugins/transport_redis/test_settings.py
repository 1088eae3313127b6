"""The options, as an operator writes them and as the README has them."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from gatewright import HasDeadLetters, HasHealth, Resends
from gatewright_transport_redis import (
    RedisStreamSettings,
    RedisStreamTransport,
    gatewright_transport,
)

README = (Path(__file__).parents[3] / "plugins/transport_redis/README.md").read_text("utf-8")
OPTIONS = README.partition("## Options")[2].partition("\n## ")[0]


def test_defaults_are_the_contracts():
    settings = RedisStreamSettings()

    assert settings.dsn.get_secret_value() == "redis://redis:6379"
    assert (settings.stream, settings.dead_letter_stream) == ("ws.outbox", "ws.dlq")
    assert settings.trim_seconds is None


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"dsn": "http://:secret@redis"}, "must be a Redis DSN"),
        ({"stream": ""}, "at least 1 character"),
        ({"stream": "ws.dlq"}, "stream and dead_letter_stream must differ"),
        ({"batch": 0}, "greater than or equal to 1"),
        ({"trim_seconds": 5}, "greater than or equal to 60"),
        ({"dns": "redis://redis"}, "not permitted"),
    ],
)
def test_mistakes_are_told(options, what):
    with pytest.raises(ValidationError, match=what) as caught:
        RedisStreamSettings(**options)

    assert "secret" not in str(caught.value)


def test_every_option_has_a_row():
    rows = re.findall(r"^\| `(\w+)` \|", OPTIONS, re.MULTILINE)

    assert set(rows) == set(RedisStreamSettings.model_fields)


def test_it_is_read_by_every_node_and_has_dead_letters():
    assert RedisStreamTransport.reach == "cluster"
    assert gatewright_transport().needs == {"dead_letters"}
    for protocol in (HasDeadLetters, HasHealth, Resends):
        assert issubclass(RedisStreamTransport, protocol)
