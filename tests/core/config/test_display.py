"""What a configuration comes to, to be looked at: all of it, and no secret."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml
from pydantic import BaseModel, SecretStr

from gatewright.cli.application import main
from gatewright.config.display import as_yaml, displayed
from gatewright.config.load import load_config
from gatewright.config.result import Selected
from gatewright.plugin.manager import PluginManager

SECRET = "sw0rdf1sh"
LOUD = f"""
auth: {{jwt: {{algorithms: [HS256], public_key: {SECRET * 4}}}}}
transports:
  http: {{api_keys: [{SECRET}, {SECRET}2]}}
  redis_stream: {{dsn: "rediss://user:{SECRET}@redis.example:6380/0"}}
  rabbitmq: {{dsn: "amqp://user:{SECRET}@rabbit.example/{SECRET}"}}
presence: {{redis: {{dsn: "redis://:{SECRET}@10.0.0.7"}}}}
events:
  webhook: {{url: "https://hooks.example/{SECRET}", secret: {SECRET}}}
  redis_stream: {{dsn: "redis://user:{SECRET}@redis.example"}}
  rabbitmq: {{dsn: "amqp://user:{SECRET}@rabbit.example/v"}}
bus: {{redis: {{dsn: "redis://user:{SECRET}@redis.example"}}}}
dead_letters: {{redis_stream: {{dsn: "redis://user:{SECRET}@redis.example"}}}}
"""
QUIET = """
server: {bind: "127.0.0.1:0", trusted_proxies: [10.0.0.0/8], permessage_deflate: true}
limits: {connections: 500}
auth: {anonymous: {}}
events: {console: {types: [connected]}, console/two: {width: 10}}
"""


def test_no_secret_of_any_plugin_is_shown_and_where_things_are_is() -> None:
    config = load_config(text=LOUD, environ={})
    for shown in (as_yaml(config), json.dumps(displayed(config))):
        assert SECRET not in shown
        assert "rediss://**********@redis.example:6380/**********" in shown
        assert "amqp://**********@rabbit.example/**********" in shown
        assert "https://**********@hooks.example/**********" in shown
    assert displayed(config)["transports"]["http"]["api_keys"] == ["**********"] * 2


def test_what_is_shown_says_the_same_again() -> None:
    config = load_config(text=QUIET, environ={})
    again = load_config(text=as_yaml(config), environ={})
    assert again.core == config.core
    for kind, chosen in config.plugins.items():
        assert [(each.name, each.settings) for each in again.plugins[kind]] == [
            (each.name, each.settings) for each in chosen
        ]


def test_defaults_and_what_was_chosen_by_default_are_there() -> None:
    shown = as_yaml(load_config(text=QUIET, environ={}))
    assert "# token_bucket: chosen by default\nrate_limit:\n  token_bucket:\n" in shown
    assert "# anonymous" not in shown
    sections = yaml.safe_load(shown)
    assert sections["limits"]["connections"] == 500
    assert sections["limits"]["message_bytes"] == 1048576
    assert sections["server"]["permessage_deflate"] == {"level": 3, "min_bytes": 128}
    assert list(sections["events"]) == ["console", "console/two"]


def test_the_command_puts_variables_in(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("PORT", "1234")
    file = tmp_path / "gateway.yaml"
    file.write_text('auth: {anonymous: }\nserver: {bind: "127.0.0.1:${PORT}"}\n')
    assert main(["config", "show", str(file)]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["server"]["bind"] == "127.0.0.1:1234"
    assert main(["config", "show", "--json", "-c", str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["server"]["bind"] == "127.0.0.1:1234"


def test_what_the_environment_leaves_out_is_remarked() -> None:
    text = QUIET + "extensions: {dev_console: {}}\n"
    environ = {"GATEWRIGHT_DISABLE_PLUGINS": "dev_console"}
    shown = as_yaml(load_config(text=text, environ=environ))
    assert shown.startswith("# extensions.dev_console is left out by GATEWRIGHT_DISABLE_PLUGINS\n")
    assert "extensions: {}" in shown


def test_a_wrong_file_is_told_as_by_check(tmp_path, capsys) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text("auth: {anonymous: }\nserver: {colour: red}\n")
    assert main(["config", "show", str(file)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "server.colour: unknown option" in told.err


@pytest.mark.parametrize("secret", ["", "plain", "http://[broken", "x://h:notaport/"])
def test_a_secret_that_is_no_address_is_masked_whole(secret) -> None:
    text = f"auth: {{anonymous: }}\ntransports: {{http: {{api_keys: ['{secret or 'k'}']}}}}\n"
    (key,) = displayed(load_config(text=text, environ={}))["transports"]["http"]["api_keys"]
    assert key == "**********"


def secrets_of(settings: type[BaseModel]) -> dict[str, object]:
    """Return a value with a secret in it for each option whose schema says that it is one."""
    found: dict[str, object] = {}
    for name, option in settings.model_json_schema()["properties"].items():
        ways = option.get("anyOf", [option])
        if any(way.get("writeOnly") for way in ways):
            found[name] = SecretStr(f"redis://user:{SECRET}@redis.example/{SECRET}")
        elif any(way.get("items", {}).get("writeOnly") for way in ways):
            found[name] = (SecretStr(SECRET),)
    return found


def test_each_secret_option_of_each_installed_plugin_is_masked() -> None:
    config, manager, seen = load_config(text=QUIET, environ={}), PluginManager(), set()
    for entry in manager.catalogue.plugins:
        factory = manager.load(entry.kind, entry.name).factory
        secrets = secrets_of(factory.settings) if factory.settings.model_fields else {}
        settings = factory.settings.model_construct(**secrets)
        one = Selected(entry.kind, entry.name, entry.name, "x 1", factory, settings)
        shown = as_yaml(replace(config, plugins={entry.kind: (one,)}))
        assert SECRET not in shown
        assert shown.count("**********") >= len(secrets)
        seen |= {(entry.kind, entry.name, name) for name in secrets}
    assert len(seen) >= 10
