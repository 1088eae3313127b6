"""What the plugin declares, and its options."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest
from pydantic import SecretStr, ValidationError
from tests.plugins.events_redis.harness import sink, store

import gatewright_events_redis
from gatewright import HOOK_API
from gatewright_events_redis import (
    StreamLetterSettings,
    StreamSinkSettings,
    gatewright_dead_letters,
    gatewright_events,
)

AWAY = "redis://:hidden@127.0.0.1:1/0"


@pytest.mark.parametrize("group", ["gatewright.events", "gatewright.dead_letters"])
def test_it_is_found_by_its_name(group):
    (found,) = entry_points(group=group, name="redis_stream")

    assert found.load() is gatewright_events_redis
    assert gatewright_events_redis.GATEWRIGHT_API <= HOOK_API


def test_sink_and_store_need_nothing_of_the_gateway():
    assert gatewright_events().needs == gatewright_dead_letters().needs == frozenset()


def test_the_defaults_are_those_of_the_contract():
    settings = StreamSinkSettings()

    assert settings.dsn.get_secret_value() == "redis://redis:6379"
    assert (settings.stream, settings.streams, settings.max_length) == ("ws.events", {}, None)
    assert settings.attempts is None
    assert StreamLetterSettings().stream == "ws.events.dlq"


@pytest.mark.parametrize("model", [StreamSinkSettings, StreamLetterSettings])
def test_every_option_is_described(model):
    assert all(field.description for field in model.model_fields.values())


@pytest.mark.parametrize("model", [StreamSinkSettings, StreamLetterSettings])
@pytest.mark.parametrize(
    "options",
    [
        {"dsn": "http://hidden"},
        {"dsn": "redis://:hidden@host:port"},
        {"stream": ""},
        {"max_length": 0},
        {"strem": "x"},
    ],
)
def test_a_wrong_option_is_refused_without_its_value(model, options):
    with pytest.raises(ValidationError) as refused:
        model(**options)

    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize("model", [StreamSinkSettings, StreamLetterSettings])
def test_settings_do_not_show_the_password(model):
    settings = model(dsn=SecretStr(AWAY))

    assert "hidden" not in f"{settings!r} {settings} {settings.model_dump_json()}"


@pytest.mark.anyio
@pytest.mark.parametrize("opened", [sink, store])
async def test_opening_needs_no_redis(opened):
    async with opened(AWAY) as backend:
        health = backend.health()

    assert not health.ready
    assert health.detail == "127.0.0.1:1/0: not asked yet"
