import inspect
from importlib.metadata import version

import pluggy
import pytest

from gatewright.plugin import spec
from gatewright.plugin.spec import KINDS, PROJECT, section_of


@pytest.fixture
def hooks() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(spec)
    return manager


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_documented_hook_that_passes_nothing(
    hooks: pluggy.PluginManager, kind: str
) -> None:
    caller = getattr(hooks.hook, f"gatewright_{kind}")
    function = getattr(spec, f"gatewright_{kind}")

    assert caller.has_spec()
    assert not inspect.iscoroutinefunction(function)
    assert not inspect.signature(function).parameters
    assert inspect.getdoc(function).startswith("Declare")
    assert "Called once per gateway" in inspect.getdoc(function)
    assert ".. versionadded:: 1.0" in inspect.getdoc(function)
    assert f"``{section_of(kind)}``" in inspect.getdoc(function)


def test_there_is_no_hook_without_a_kind() -> None:
    hooks = {name for name in vars(spec) if name.startswith("gatewright_")}

    assert hooks == {f"gatewright_{kind}" for kind in KINDS}


def test_sections_differ_from_kinds_only_where_there_may_be_several() -> None:
    assert [section_of(kind) for kind in KINDS] == [
        "auth",
        "transports",
        "presence",
        "events",
        "dead_letters",
        "rate_limit",
        "bus",
        "extensions",
    ]


def test_the_core_is_installed_with_a_version() -> None:
    assert version(PROJECT)
