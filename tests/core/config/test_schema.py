"""The schema of the file: it takes what the loader takes, and refuses what it can see is wrong."""

from __future__ import annotations

import json
from functools import cache

import pytest
import yaml
from jsonschema import Draft202012Validator
from tests.support.markdown import ROOT, all_blocks

from gatewright.cli.application import main
from gatewright.config.load import load_config
from gatewright.config.schema import schema
from gatewright.plugin.manager import PluginManager

EXAMPLES = sorted(ROOT.glob("examples/*.yaml"))
OF_OTHERS = ("examples/plugins/", "docs/testing.md")  # name plugins that are not installed


@cache
def validator():
    made = schema(PluginManager())
    Draft202012Validator.check_schema(made)
    return Draft202012Validator(made)


def problems(text):
    found = validator().iter_errors(yaml.safe_load(text))
    return sorted(".".join(map(str, error.absolute_path)) for error in found)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_fits_and_names_its_schema(path):
    text = path.read_text()
    assert problems(text) == []
    first = text.splitlines()[0]
    assert first == "# yaml-language-server: $schema=../docs/gatewright.schema.json"


@pytest.mark.parametrize(
    "block",
    [
        block
        for block in all_blocks("yaml")
        if block.marker not in {"problems", "plugin"} and not str(block).startswith(OF_OTHERS)
    ],
    ids=str,
)
def test_every_configuration_of_the_pages_fits(block):
    sections = {"auth": {"anonymous": {}}, **yaml.safe_load(block.text)}
    assert problems(yaml.safe_dump(sections)) == []


AUTH = "auth: {anonymous: }\n"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("server: {}", [""]),
        (AUTH + "colour: red", [""]),
        (AUTH + "server: {colour: red}", ["server"]),
        (AUTH + "server: {open_seconds: soon}", ["server.open_seconds"]),
        (AUTH + "server: {open_seconds: 0}", ["server.open_seconds"]),
        (AUTH + "server: {socket_driver: fast}", ["server.socket_driver"]),
        (AUTH + "server: {permessage_deflate: {level: 10}}", ["server.permessage_deflate"]),
        (AUTH + "server: []", ["server"]),
        (AUTH + "transports: {htp: {}}", ["transports"]),
        (AUTH + "transports: {http/: {}}", ["transports"]),
        (AUTH + "transports: {http/eu: {api_keys: 5}}", ["transports.http/eu.api_keys"]),
        (AUTH + "bus: {redis: {dns: x}}", ["bus.redis"]),
        (AUTH + "rate_limit: {token_bucket: {burst: many}}", ["rate_limit.token_bucket.burst"]),
        (AUTH + "events: {none: {enabled: {env: A, all: []}}}", ["events.none.enabled"]),
        (AUTH + "events: {none: {enabled: {word: A}}}", ["events.none.enabled"]),
    ],
)
def test_what_can_be_seen_to_be_wrong_is(text, where):
    assert problems(text) == where


@pytest.mark.parametrize(
    "text",
    [
        "server:\nevents:\n",
        "server: {open_seconds: '${SECONDS:-5}', trusted_proxies: ['${PROXY}']}",
        "server: {permessage_deflate: true}",
        "server: {permessage_deflate: {level: 9}}",
        "limits: {connections: '${MOST}'}",
        "events: {webhook/eu: {enabled: {all: [{env: A, in: [b]}, {env: C, set: true}]}}}",
        "events: {none: {enabled: '${SWITCH}'}, console: {types: [connected]}}",
        "presence: {redis: {enabled: false}}",
    ],
)
def test_what_the_loader_takes_fits(text):
    assert problems(AUTH + text) == []


def test_options_have_descriptions_and_secrets_are_write_only():
    made = schema(PluginManager())
    bind = made["properties"]["server"]["properties"]["bind"]
    assert bind["description"].startswith("host:port")
    (dsn,) = (
        options["properties"]["dsn"]
        for name, options in made["properties"]["bus"]["patternProperties"].items()
        if name.startswith("^redis")
    )
    assert dsn["anyOf"][0]["writeOnly"]
    assert "A gatewright gateway" in made["title"]


def test_the_schema_of_the_documentation_is_what_is_installed():
    written = json.loads((ROOT / "docs" / "gatewright.schema.json").read_text())
    assert written == schema(PluginManager()), (
        "run: gatewright config schema -o docs/gatewright.schema.json"
    )


def test_the_command_prints_it_or_writes_it(tmp_path, capsys):
    assert main(["config", "schema"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert main(["config", "schema", "-o", str(tmp_path / "schema.json")]) == 0
    assert capsys.readouterr().out == ""
    assert json.loads((tmp_path / "schema.json").read_text()) == printed == schema(PluginManager())


@pytest.mark.parametrize(
    "text",
    [
        "limits: {connections: '500', connections_per_user: '${EACH}'}",
        "keepalive: {interval_seconds: '1.5e1'}",
        "session: {refresh: 'Yes'}",
        "logging: {level: INFO}",
        "events: {console: {enabled: }, none: {enabled: 0}}",
        "events: {none: {enabled: {any: [true, {env: A, set: 'no'}, {env: B, not_in: [c]}]}}}",
        "events: {rabbitmq: {routes: {connected: {queue: a}, disconnected: {exchange: b}}}}",
    ],
)
def test_what_a_validator_makes_something_of_fits(text):
    load_config(text=AUTH + text, environ={"EACH": "5"})
    assert problems(AUTH + text) == []


def test_one_text_fits_where_a_plugin_takes_it_for_a_list():
    text = f"auth: {{jwt: {{algorithms: HS256, public_key: {'x' * 64}}}}}"
    load_config(text=text, environ={})
    assert problems(text) == []
