import sys
import tomllib
from pathlib import Path

import pytest
from tests.core.plugin_env import PluginEnv

from gatewright.plugin.catalogue import PUBLISHED, PUBLISHED_COMMANDS, Catalogue
from gatewright.plugin.errors import NameTaken, PluginNotInstalled, UnknownPlugin, WrongKind
from gatewright.plugin.spec import KINDS


def test_plugins_are_read_from_metadata_and_never_imported(plugin_env: PluginEnv) -> None:
    plugin_env.module("rogue", "raise SystemExit('imported')")
    plugin_env.distribution("acme-nats", "0.9", transport={"nats": "rogue"}, bus={"nats": "rogue"})

    catalogue = plugin_env.catalogue()

    assert [(e.kind, e.name, e.value, e.distribution, e.version) for e in catalogue.plugins] == [
        ("transport", "nats", "rogue", "acme-nats", "0.9"),
        ("bus", "nats", "rogue", "acme-nats", "0.9"),
    ]
    assert "rogue" not in sys.modules


def test_commands_are_listed_with_who_brings_them(plugin_env: PluginEnv) -> None:
    plugin_env.distribution("acme", "2.0", command={"token": "acme.commands:token"})

    (command,) = plugin_env.catalogue().commands

    assert command.name == "token"
    assert command.value == "acme.commands:token"
    assert str(command.origin) == "plugin 'token' (acme 2.0)"


def test_groups_that_are_no_kind_offer_nothing_and_are_named_once(plugin_env: PluginEnv) -> None:
    plugin_env.distribution("acme", nonsense={"x": "y", "z": "y"})

    assert plugin_env.catalogue() == Catalogue(strays=(("gatewright.nonsense", "acme 1.0"),))


def test_the_first_of_two_installations_of_one_distribution_counts(
    plugin_env: PluginEnv, tmp_path_factory: pytest.TempPathFactory
) -> None:
    older = PluginEnv(tmp_path_factory.mktemp("older"))
    plugin_env.distribution("Acme_Nats", "2.0", bus={"nats": "new"})
    older.distribution("acme-nats", "1.0", bus={"nats": "old"})

    catalogue = Catalogue.installed([str(plugin_env.folder), str(older.folder)])
    older.close()

    assert [entry.version for entry in catalogue.plugins] == ["2.0"]


def test_what_a_broken_uninstall_left_behind_is_not_installed(plugin_env: PluginEnv) -> None:
    plugin_env.distribution("ghost", bus={"nats": "ghost"}, metadata=False)

    assert plugin_env.catalogue() == Catalogue()


def test_two_distributions_with_one_name_are_found_out(plugin_env: PluginEnv) -> None:
    plugin_env.distribution("gatewright-transport-redis", "1.3", transport={"redis_stream": "a"})
    plugin_env.distribution("acme-redis", "0.2", transport={"redis_stream": "b"})

    with pytest.raises(NameTaken) as caught:
        plugin_env.catalogue().find("transport", "redis_stream")

    assert caught.value.distributions == ("acme-redis 0.2", "gatewright-transport-redis 1.3")


def test_a_name_may_serve_several_kinds(plugin_env: PluginEnv) -> None:
    plugin_env.distribution("a", events={"rabbitmq": "x"}, dead_letters={"rabbitmq": "x"})
    catalogue = plugin_env.catalogue()

    assert catalogue.find("events", "rabbitmq").kind == "events"
    assert catalogue.find("dead_letters", "rabbitmq").kind == "dead_letters"


def test_our_own_plugins_are_known_before_they_are_installed(plugin_env: PluginEnv) -> None:
    with pytest.raises(PluginNotInstalled) as caught:
        plugin_env.catalogue().find("dead_letters", "redis_stream")

    assert caught.value.distribution == "gatewright-events-redis"


def test_a_plugin_of_another_kind_is_named_as_such(plugin_env: PluginEnv) -> None:
    plugin_env.distribution("a", auth={"jwt": "x"}, transport={"http": "x"})

    with pytest.raises(WrongKind) as caught:
        plugin_env.catalogue().find("transport", "jwt")

    assert (caught.value.offers, caught.value.installed) == (("auth",), ("http",))


def test_near_misses_include_what_could_be_installed(plugin_env: PluginEnv) -> None:
    with pytest.raises(UnknownPlugin, match="did you mean 'rabbitmq'"):
        plugin_env.catalogue().find("transport", "rabitmq")


def test_the_tables_of_published_names_speak_of_kinds_that_exist() -> None:
    assert {kind for kind, _ in PUBLISHED} <= set(KINDS)
    assert all(name.startswith("gatewright-") for name in PUBLISHED.values())
    assert set(PUBLISHED_COMMANDS.values()) <= set(PUBLISHED.values())


def test_what_this_repository_publishes_stands_in_the_tables() -> None:
    projects = [
        tomllib.loads(file.read_text())["project"]
        for file in (Path(__file__).parents[3] / "plugins").glob("*/pyproject.toml")
    ]
    declared = {
        (group.removeprefix("gatewright."), name): project["name"]
        for project in projects
        for group, points in project["entry-points"].items()
        for name in points
    }
    tables = PUBLISHED | {("command", name): by for name, by in PUBLISHED_COMMANDS.items()}

    assert declared
    assert declared.items() <= tables.items()


def test_the_core_declares_its_built_ins() -> None:
    names = {
        (entry.kind, entry.name)
        for entry in Catalogue.installed().plugins
        if entry.distribution == "gatewright"
    }
    assert {("auth", "anonymous"), ("presence", "memory"), ("dead_letters", "file")} <= names
