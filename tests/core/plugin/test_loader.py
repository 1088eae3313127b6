import pytest
from tests.core.plugin_env import PluginEnv

from gatewright.plugin.errors import BadEntryPoint, WrongCore
from gatewright.plugin.loader import load_module


@pytest.mark.parametrize("value", ["x_plugin:obj", "x plugin", "1x", "x_plugin [extra]", "x..y"])
def test_an_entry_point_names_a_module(plugin_env: PluginEnv, value: str) -> None:
    plugin_env.distribution("x", bus={"x": value})

    with pytest.raises(BadEntryPoint):
        load_module(plugin_env.catalogue().find("bus", "x"), running="1.4")


@pytest.mark.parametrize(
    ("requires", "running"),
    [
        (("gatewright>=2,<3",), "1.4"),
        (("httpx", "Gatewright[uvloop] (<1.4)"), "1.4"),
        (("gatewright>=1.4",), "1.4.0rc1"),
        (('gatewright<1; python_version >= "3"',), "1.4"),
    ],
)
def test_a_plugin_for_another_core_is_refused_before_it_is_imported(
    plugin_env: PluginEnv, requires: tuple[str, ...], running: str
) -> None:
    plugin_env.module("x_plugin", "raise SystemExit")
    plugin_env.distribution("x", requires=requires, bus={"x": "x_plugin"})

    with pytest.raises(WrongCore):
        load_module(plugin_env.catalogue().find("bus", "x"), running=running)


@pytest.mark.parametrize(
    ("requires", "running"),
    [
        ((), "1.4"),
        (("gatewright>=1.2,<2",), "1.4"),
        (("gatewright>=1.2,<2",), "1.5.dev3"),
        (('gatewright>=9; extra == "later"',), "1.4"),
        (("gatewright-events-redis>=9",), "1.4"),
        (("not a requirement!",), "1.4"),
        (("gatewright>=9",), "no version"),
    ],
)
def test_other_requirements_do_not_stand_in_the_way(
    plugin_env: PluginEnv, requires: tuple[str, ...], running: str
) -> None:
    plugin_env.module("x_plugin", "GATEWRIGHT_API = (1, 0)")
    plugin_env.distribution("x", requires=requires, bus={"x": "x_plugin"})

    module = load_module(plugin_env.catalogue().find("bus", "x"), running=running)

    assert module.__name__ == "x_plugin"
