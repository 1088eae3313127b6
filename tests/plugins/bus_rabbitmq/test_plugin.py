"""The plugin as the gateway finds it, its options and its README."""

import re

import pytest
from pydantic import ValidationError
from tests.support.markdown import ROOT

from gatewright.plugin.manager import PluginManager
from gatewright_bus_rabbitmq import RabbitmqBusSettings


def test_the_gateway_finds_it_and_it_reaches_the_cluster():
    factory = PluginManager().load("bus", "rabbitmq").factory

    assert factory.settings is RabbitmqBusSettings
    assert factory.provides == {"cluster"}


def test_the_defaults_are_as_documented():
    settings = RabbitmqBusSettings()

    assert settings.dsn.get_secret_value() == "amqp://guest:guest@rabbitmq:5672/"
    assert (settings.exchange, settings.expires_seconds) == ("gatewright.bus", 120)


@pytest.mark.parametrize(
    "options",
    [
        {"dsn": "http://:s3cret@rabbitmq"},
        {"exchange": ""},
        {"expires_seconds": 10},
        {"publish_seconds": 0},
        {"prefetch": 0},
        {"exchange": "x" * 121},
        {"channel": "x"},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_without_being_repeated(options):
    with pytest.raises(ValidationError) as caught:
        RabbitmqBusSettings.model_validate(options)
    assert "s3cret" not in str(caught.value)


def test_every_option_is_in_the_readme_and_described():
    text = (ROOT / "plugins" / "bus_rabbitmq" / "README.md").read_text()
    table = text.partition("## Options")[2].partition("\n## ")[0]

    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set(
        RabbitmqBusSettings.model_fields
    )
    assert all(field.description for field in RabbitmqBusSettings.model_fields.values())
