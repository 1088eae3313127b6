"""The plugin as the gateway finds it, its options and its README."""

import re

import pytest
from pydantic import ValidationError
from tests.support.markdown import ROOT

from gatewright.plugin.manager import PluginManager
from gatewright_bus_redis import RedisBusSettings


def test_the_gateway_finds_it_and_it_reaches_the_cluster():
    factory = PluginManager().load("bus", "redis").factory

    assert factory.settings is RedisBusSettings
    assert factory.provides == {"cluster"}


def test_the_defaults_are_as_documented():
    settings = RedisBusSettings()

    assert settings.dsn.get_secret_value() == "redis://redis:6379"
    assert (settings.stream, settings.max_length) == ("gatewright.bus", 100_000)


@pytest.mark.parametrize(
    "options",
    [
        {"dsn": "http://:s3cret@redis"},
        {"stream": ""},
        {"max_length": 10},
        {"publish_seconds": 0},
        {"channel": "x"},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_without_being_repeated(options):
    with pytest.raises(ValidationError) as caught:
        RedisBusSettings.model_validate(options)
    assert "s3cret" not in str(caught.value)


def test_every_option_is_in_the_readme_and_described():
    text = (ROOT / "plugins" / "bus_redis" / "README.md").read_text()
    table = text.partition("## Options")[2].partition("\n## ")[0]

    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set(
        RedisBusSettings.model_fields
    )
    assert all(field.description for field in RedisBusSettings.model_fields.values())
