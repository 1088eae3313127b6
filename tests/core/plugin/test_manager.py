import sys

import pytest
from tests.core.plugin_env import HEAD, PluginEnv

from gatewright import Factory, PluginError, SinkSettings
from gatewright.plugin.errors import (
    AsyncHook,
    FaultyPlugin,
    HookApiMalformed,
    HookApiMismatch,
    HookApiMissing,
    HookArguments,
    HookFailed,
    HookMissing,
    HookRefused,
    ImportFailed,
    NotAFactory,
    UnknownHook,
    WrongSettings,
)
from gatewright.plugin.manager import PluginManager

FACTORY = "Factory(settings={}, open=open_backend, summary='made')"


def hook(kind: str, returns: str = FACTORY.format("NoSettings"), **parts: str) -> str:
    """Return a plugin's module with one hook."""
    head, arguments = parts.get("head", HEAD), parts.get("arguments", "")
    define = parts.get("define", "def")
    return f"{head}\n@hookimpl\n{define} gatewright_{kind}({arguments}):\n    return {returns}\n"


@pytest.fixture
def offer(plugin_env: PluginEnv):
    """Install plugin ``x`` of one kind with this source."""

    def install(source: str, kind: str = "bus", requires: tuple[str, ...] = ()) -> PluginManager:
        plugin_env.module("x_plugin", source)
        plugin_env.distribution("x", "0.1", requires=requires, **{kind: {"x": "x_plugin"}})
        return plugin_env.manager()

    return install


def test_a_plugin_is_loaded_with_what_it_declares(offer) -> None:
    loaded = offer(hook("events", FACTORY.format("SinkSettings")), "events").load("events", "x")

    assert isinstance(loaded.factory, Factory)
    assert loaded.factory.settings is SinkSettings
    assert loaded.entry.distribution == "x"


def test_only_what_is_named_is_imported(offer, plugin_env: PluginEnv) -> None:
    plugin_env.plugin("bus", "other")
    offer(hook("bus")).load("bus", "x")

    assert "x_plugin" in sys.modules
    assert "made_bus_other" not in sys.modules


def test_a_hook_is_called_once_however_often_it_is_asked_for(offer) -> None:
    source = hook("bus", f"calls.append(1) or {FACTORY.format('NoSettings')}") + "calls = []\n"
    manager = offer(source)

    assert manager.load("bus", "x") is manager.load("bus", "x")
    assert sys.modules["x_plugin"].calls == [1]


def test_one_module_may_serve_two_kinds(plugin_env: PluginEnv) -> None:
    both = hook("events", FACTORY.format("SinkSettings")) + hook("dead_letters", head="")
    plugin_env.module("both", both)
    plugin_env.distribution("x", events={"x": "both"}, dead_letters={"x": "both"})
    manager = plugin_env.manager()

    assert manager.load("events", "x").factory.settings is SinkSettings
    assert manager.load("dead_letters", "x").factory.settings is not SinkSettings


def test_a_hook_is_called_for_the_named_module_alone(plugin_env: PluginEnv) -> None:
    plugin_env.plugin("transport", "a")
    plugin_env.plugin("transport", "b")
    manager = plugin_env.manager()

    first, second = manager.load("transport", "a"), manager.load("transport", "b")

    assert first.factory.settings.__module__ == "made_transport_a"
    assert second.factory.settings.__module__ == "made_transport_b"


def test_managers_share_nothing(offer, plugin_env: PluginEnv) -> None:
    first = offer(hook("bus"))
    second = plugin_env.manager()

    assert first.load("bus", "x").factory is not second.load("bus", "x").factory


def test_a_plugin_that_cannot_be_used_does_not_spoil_the_next(offer, plugin_env: PluginEnv) -> None:
    plugin_env.plugin("bus", "good")
    manager = offer(hook("bus") + hook("busses", head=""))
    with pytest.raises(UnknownHook):
        manager.load("bus", "x")

    assert manager.load("bus", "good").entry.name == "good"


def test_a_hook_may_take_arguments_that_have_defaults(offer) -> None:
    assert offer(hook("bus", arguments="later=None")).load("bus", "x")


BAD = [
    (hook("buss"), UnknownHook, "'gatewright_buss', which is no hook; did you mean"),
    (hook("bus", arguments="ctx"), HookArguments, "takes 'ctx'"),
    (hook("bus", arguments="*, ctx"), HookArguments, "takes 'ctx'"),
    (hook("bus", define="async def"), AsyncHook, "is 'async def'"),
    (hook("auth"), HookMissing, "does not implement gatewright_bus"),
    (f"{HEAD}\ndef gatewright_bus(): pass\n", HookMissing, "marked with @hookimpl"),
    (hook("bus", "1 / 0"), HookFailed, "raised ZeroDivisionError: division by zero"),
    (hook("bus", "exit(3)"), HookFailed, "raised SystemExit: 3"),
    (hook("bus", "None"), NotAFactory, "must return one Factory, found nothing"),
    (hook("bus", "{}"), NotAFactory, "must return one Factory, found dict"),
    (
        hook("bus", "Factory(settings=NoSettings, open=None, summary='')"),
        NotAFactory,
        "found one whose open cannot be called",
    ),
    (hook("bus", FACTORY.format("dict")), WrongSettings, "a subclass of Settings, found dict"),
    (hook("bus", FACTORY.format("NoSettings()")), WrongSettings, "Settings, found NoSettings"),
    ("import nowhere_to_be_found", ImportFailed, "ModuleNotFoundError: No module named"),
    ("raise RuntimeError('boom')", ImportFailed, "RuntimeError: boom"),
    ("import sys; sys.exit(2)", ImportFailed, "SystemExit: 2"),
    ("def (", ImportFailed, "SyntaxError: invalid syntax"),
    ("x = 1", HookApiMissing, "states no hook API"),
    ("GATEWRIGHT_API = '1.0'", HookApiMalformed, "not a pair"),
    ("GATEWRIGHT_API = (1,)", HookApiMalformed, "not a pair"),
    ("GATEWRIGHT_API = (True, 0)", HookApiMalformed, "not a pair"),
    ("GATEWRIGHT_API = (2, 0)", HookApiMismatch, "built for hook API 2.0; gatewright 1.4 offers"),
    ("GATEWRIGHT_API = (1, 99)", HookApiMismatch, "built for hook API 1.99"),
    ("GATEWRIGHT_API = (0, 9)", HookApiMismatch, "; upgrade x"),
    (
        hook("bus").replace("@hookimpl", "@hookimpl(wrapper=True)"),
        HookRefused,
        "cannot be registered: PluginValidationError",
    ),
    (
        f"{HEAD}\ndef __dir__(): raise OSError('no')\n",
        HookRefused,
        "cannot be registered: OSError: no",
    ),
]


@pytest.mark.parametrize(("source", "error", "text"), BAD, ids=range(len(BAD)))
def test_what_is_wrong_with_a_plugin_is_told_apart(
    offer, source: str, error: type[FaultyPlugin], text: str
) -> None:
    manager = offer(source)

    with pytest.raises(error) as caught:
        manager.load("bus", "x")

    assert text in str(caught.value)
    assert str(caught.value).startswith("plugin 'x' (x 0.1)")


def test_the_same_error_is_found_again_on_the_second_try(offer) -> None:
    manager = offer(hook("bus") + hook("buss", head=""))

    for _ in range(2):
        with pytest.raises(UnknownHook):
            manager.load("bus", "x")


@pytest.mark.parametrize(
    ("kind", "base"), [("events", "SinkSettings"), ("transport", "TransportSettings")]
)
def test_sinks_and_transports_have_settings_of_their_own(offer, kind: str, base: str) -> None:
    with pytest.raises(WrongSettings, match=f"a subclass of {base}, found NoSettings"):
        offer(hook(kind), kind).load(kind, "x")


def test_what_is_not_there_is_an_operators_error_too(plugin_env: PluginEnv) -> None:
    with pytest.raises(PluginError):
        plugin_env.manager().load("bus", "x")


def test_a_manager_looks_at_everything_installed_unless_told() -> None:
    assert "anonymous" in PluginManager().catalogue.names("auth")
