import json

import pytest


def rows(gatewright, *arguments):
    listed = gatewright("plugins", "list", "--json", *arguments)
    assert listed.code == 0, listed.err
    return {(row["kind"], row["name"]): row for row in json.loads(listed.out)}


def states(gatewright, *arguments):
    return {key: (row["state"], row["why"]) for key, row in rows(gatewright, *arguments).items()}


def test_without_a_file_everything_is_just_installed(gatewright, plugin_env):
    plugin_env.distribution("acme-nats", "2.1", transport={"nats": "no_such_module"})

    found = rows(gatewright)

    assert found["transport", "nats"] == {
        "kind": "transport", "name": "nats", "distribution": "acme-nats", "version": "2.1",
        "state": "installed", "why": "",
    }  # fmt: skip
    assert found["auth", "anonymous"]["distribution"] == "gatewright"
    assert {row["state"] for row in found.values()} == {"installed"}


def test_bare_plugins_is_the_same_list_as_a_table(gatewright):
    table = gatewright("plugins")

    assert table == gatewright("plugins", "list")
    assert table.out.splitlines()[0].split() == ["kind", "name", "state", "why", "distribution"]
    assert table.err == "no gateway.yaml here; -c FILE tells what is in use\n"


def test_a_group_that_is_nearly_ours_is_told_beside_the_list(gatewright, plugin_env):
    plugin_env.distribution("acme-nats", "2.1", transports={"nats": "no_such_module"})

    table = gatewright("plugins", "list")

    assert "nats" not in table.out
    assert table.err.splitlines()[0] == (
        "acme-nats 2.1: no entry-point group 'gatewright.transports'; "
        "did you mean 'gatewright.transport'?"
    )


def test_a_file_says_what_is_in_use_and_what_is_off_and_why(gatewright, plugin_env, tmp_path):
    plugin_env.distribution("acme", transport={"nats": "no_such_module", "mqtt": "neither"})
    text = """\
auth:
  anonymous:
transports:
  nats: {enabled: "${NATS:+true}", dsn: "${NATS}"}
  nats/eu: {enabled: true, dsn: "${ALSO_UNSET}"}
  mqtt: {enabled: false}
events:
  console/a: {}
"""
    (tmp_path / "gateway.yaml").write_text(text)

    found = states(gatewright)

    assert found["auth", "anonymous"] == ("in use", "gateway.yaml:2")
    assert found["transport", "nats"] == ("in use", "gateway.yaml:5")
    assert found["transport", "mqtt"] == ("disabled", "enabled is false, gateway.yaml:6")
    assert found["events", "console"] == ("in use", "gateway.yaml:8")
    assert found["events", "none"] == ("installed", "not named in gateway.yaml")
    assert found["presence", "memory"] == ("in use", "by default, gateway.yaml names no other")


def test_a_default_gives_way_to_what_is_named(gatewright, plugin_env, tmp_path):
    plugin_env.distribution("acme", presence={"tape": "no_such_module"})
    (tmp_path / "other.yaml").write_text("presence: {tape: {}}\nbus: {memory: {enabled: false}}\n")

    found = states(gatewright, "-c", "other.yaml")

    assert found["presence", "tape"] == ("in use", "other.yaml:1")
    assert found["presence", "memory"] == ("installed", "not named in other.yaml")
    assert found["bus", "memory"] == ("disabled", "enabled is false, other.yaml:2")


def test_a_condition_that_cannot_be_told_is_said(gatewright, tmp_path):
    (tmp_path / "gateway.yaml").write_text('auth: {anonymous: {enabled: "${UNSET}"}}\n')

    found = states(gatewright)

    assert found["auth", "anonymous"] == ("disabled", "enabled cannot be told, gateway.yaml:1")


@pytest.mark.parametrize("kind", ["transport", "transports"])
def test_one_kind_can_be_asked_for_by_either_word(gatewright, plugin_env, kind):
    plugin_env.distribution("acme", transport={"nats": "x"}, events={"nats": "x"})

    found = rows(gatewright, "--kind", kind)

    assert ("transport", "nats") in found
    assert {kind for kind, _ in found} == {"transport"}


def test_commands_are_listed_as_well(gatewright, plugin_env):
    plugin_env.distribution("acme", "3.0", command={"greet": "greeter:greet"})

    row = rows(gatewright, "--kind", "command")["command", "greet"]

    assert (row["distribution"], row["version"], row["why"]) == ("acme", "3.0", "gatewright greet")


def test_an_unknown_kind_is_refused(gatewright):
    refused = gatewright("plugins", "--kind", "tranport")

    assert refused.code == 2
    assert refused.err == "gatewright plugins: no kind 'tranport'; did you mean 'transport'?\n"


def test_a_file_that_is_no_yaml_is_refused(gatewright, tmp_path):
    (tmp_path / "gateway.yaml").write_text("auth: [")

    refused = gatewright("plugins")

    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("gateway.yaml:")


def test_names_cannot_steer_the_terminal(gatewright, plugin_env):
    plugin_env.distribution("acme", transport={"[red]x\x1b[31m": "x"})

    table = gatewright("plugins", "--kind", "transport")

    assert "[red]x\\x1b[31m" in table.out
