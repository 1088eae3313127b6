"""What the plugin declares, and its options."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest
from pydantic import SecretStr, ValidationError
from tests.plugins.events_rabbitmq.harness import sink, store

import gatewright_events_rabbitmq
from gatewright import HOOK_API
from gatewright_events_rabbitmq import (
    QueueLetterSettings,
    RabbitmqSinkSettings,
    gatewright_dead_letters,
    gatewright_events,
)

AWAY = "amqp://guest:hidden@127.0.0.1:1/"
MODELS = [RabbitmqSinkSettings, QueueLetterSettings]


def route(**names):
    (found,) = RabbitmqSinkSettings(routes={"message_received": names}).routes.values()
    return found.exchange, found.queue, found.routing_key


@pytest.mark.parametrize("group", ["gatewright.events", "gatewright.dead_letters"])
def test_it_is_found_by_its_name(group):
    (found,) = entry_points(group=group, name="rabbitmq")

    assert found.load() is gatewright_events_rabbitmq
    assert gatewright_events_rabbitmq.GATEWRIGHT_API <= HOOK_API


def test_sink_and_store_need_nothing_of_the_gateway():
    assert gatewright_events().needs == gatewright_dead_letters().needs == frozenset()


def test_the_defaults_are_those_of_the_contract():
    settings = RabbitmqSinkSettings()

    assert settings.dsn.get_secret_value() == "amqp://guest:guest@rabbitmq:5672/"
    assert settings.exchange == settings.queue == settings.routing_key == "ws.events"
    assert (settings.routes, settings.attempts) == ({}, None)
    assert QueueLetterSettings().queue == "ws.events.dlq"


@pytest.mark.parametrize("model", MODELS)
def test_every_option_is_described(model):
    assert all(field.description for field in model.model_fields.values())


@pytest.mark.parametrize(
    "empty",
    [None, "", {}, {"queue": ""}, {"exchange": None, "queue": "", "routing_key": None}],
)
def test_a_route_without_any_name_is_dropped(empty):
    assert RabbitmqSinkSettings(routes={"message_received": empty}).routes == {}


def test_no_routes_at_all_are_none():
    assert RabbitmqSinkSettings(routes=None).routes == {}


@pytest.mark.parametrize(
    ("given", "completed"),
    [
        ({"exchange": "x"}, ("x", "x", "x")),
        ({"queue": "q", "exchange": ""}, ("q", "q", "q")),
        ({"routing_key": "k"}, ("k", "k", "k")),
        ({"exchange": "x", "queue": "q"}, ("x", "q", "q")),
        ({"exchange": "x", "routing_key": "k", "queue": None}, ("x", "k", "k")),
        ({"queue": "q", "routing_key": "k"}, ("q", "q", "k")),
        ({"exchange": "x", "queue": "q", "routing_key": "k"}, ("x", "q", "k")),
    ],
)
def test_a_route_with_some_names_completes_itself(given, completed):
    assert route(**given) == completed


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "options",
    [
        {"dsn": "http://hidden"},
        {"dsn": "amqp://guest:hidden@host:port"},
        {"queue": ""},
        {"queue": "q" * 256},
        {"quue": "x"},
    ],
)
def test_a_wrong_option_is_refused_without_its_value(model, options):
    with pytest.raises(ValidationError) as refused:
        model(**options)

    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    "routes",
    [
        {"message": {"queue": "q"}},
        {"connected": "ws.inbox"},
        {"connected": {"quue": "q"}},
        {"connected": {"queue": "q", "quue": "q"}},
        "ws.inbox",
    ],
)
def test_a_wrong_route_is_refused(routes):
    with pytest.raises(ValidationError):
        RabbitmqSinkSettings(routes=routes)


@pytest.mark.parametrize("model", MODELS)
def test_settings_do_not_show_the_password(model):
    settings = model(dsn=SecretStr(AWAY))

    assert "hidden" not in f"{settings!r} {settings} {settings.model_dump_json()}"


@pytest.mark.anyio
@pytest.mark.parametrize("opened", [sink, store])
async def test_opening_needs_no_rabbitmq(opened):
    async with opened(AWAY) as backend:
        health = backend.health()

    assert not health.ready
    assert health.detail == "127.0.0.1:1/: not connected yet"
