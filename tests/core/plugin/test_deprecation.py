"""Deprecations of the hook API: a plugin's own tests see them, at its line."""

import warnings
from types import SimpleNamespace

import pluggy
import pytest
from tests.core.plugin_env import PluginEnv

from gatewright import HookDeprecationWarning, hookimpl
from gatewright.plugin import deprecation, spec
from gatewright.plugin.deprecation import deprecated
from gatewright.plugin.opening import check_backend

TEXT = (
    "gatewright_extension is deprecated since hook API 1.2 and gone with 2.0; use gatewright_other"
)


@pytest.fixture
def old_hook(monkeypatch):
    """The hook of extensions, as if it were deprecated."""
    options = dict(spec.gatewright_extension.gatewright_spec)
    options["warn_on_impl"] = deprecated(
        "gatewright_extension", since=(1, 2), instead="gatewright_other"
    )
    monkeypatch.setattr(spec.gatewright_extension, "gatewright_spec", options)


def test_implementing_a_deprecated_hook_warns_at_the_plugins_line(
    plugin_env: PluginEnv, old_hook
) -> None:
    plugin_env.plugin("extension", "x")

    with pytest.warns(HookDeprecationWarning) as told:
        plugin_env.manager().load("extension", "x")

    (warning,) = told
    assert str(warning.message) == TEXT
    assert warning.filename == str(plugin_env.folder / "made_extension_x.py")
    source = (plugin_env.folder / "made_extension_x.py").read_text().splitlines()
    assert source[warning.lineno - 1] == "@hookimpl"


def test_where_warnings_are_errors_loading_fails_with_the_text(
    plugin_env: PluginEnv, old_hook
) -> None:
    plugin_env.plugin("extension", "x")

    with pytest.raises(HookDeprecationWarning, match=r"gone with 2\.0"):
        plugin_env.manager().load("extension", "x")


OWN_TEST = """
from gatewright.plugin.catalogue import Catalogue
from gatewright.plugin.manager import PluginManager

def test_the_plugin_loads():
    assert PluginManager(Catalogue.installed([{folder!r}])).load("extension", "x")
"""


def test_a_plugins_own_tests_show_it(
    plugin_env: PluginEnv, old_hook, pytester: pytest.Pytester
) -> None:
    plugin_env.plugin("extension", "x")
    pytester.makepyfile(OWN_TEST.format(folder=str(plugin_env.folder)))

    told = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist")

    told.assert_outcomes(passed=1, warnings=1)
    told.stdout.fnmatch_lines([f"*made_extension_x.py:*: HookDeprecationWarning: {TEXT}"])


def test_a_plugins_own_tests_may_fail_by_it(
    plugin_env: PluginEnv, old_hook, pytester: pytest.Pytester
) -> None:
    plugin_env.plugin("extension", "x")
    pytester.makepyfile(OWN_TEST.format(folder=str(plugin_env.folder)))

    told = pytester.runpytest_inprocess(
        "-p", "no:cacheprovider", "-p", "no:xdist", "-W", "error::gatewright.HookDeprecationWarning"
    )

    told.assert_outcomes(failed=1)


def test_operators_do_not_see_it(plugin_env: PluginEnv, old_hook) -> None:
    plugin_env.plugin("extension", "x")

    with warnings.catch_warnings(record=True) as told:
        warnings.resetwarnings()
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # what Python does unless told otherwise
        assert plugin_env.manager().load("extension", "x").factory.summary == "made"

    assert told == []


def test_a_deprecated_argument_warns() -> None:
    class Specs:
        @spec.hookspec(
            warn_on_impl_args={"old": deprecated("argument 'old' of gatewright_x", since=(1, 4))}
        )
        def gatewright_x(self, old, new):
            """Pass two."""

    class Takes:
        @hookimpl
        def gatewright_x(self, new, old):
            """Take both."""

    class Fits:
        @hookimpl
        def gatewright_x(self, new):
            """Take one."""

    manager = pluggy.PluginManager(spec.PROJECT)
    manager.add_hookspecs(Specs)
    manager.register(Fits())
    with pytest.warns(
        HookDeprecationWarning, match="^argument 'old' of gatewright_x is deprecated"
    ):
        manager.register(Takes())


class Old:
    async def publish(self, message, *, count): ...

    async def run(self, deliver): ...

    def depth(self): ...


def test_offering_a_deprecated_method_warns_at_its_line(monkeypatch) -> None:
    gone = {"bus": {"depth": deprecated("Bus.depth", since=(1, 1), instead="health()")}}
    monkeypatch.setattr(deprecation, "DEPRECATED_METHODS", gone)

    class New(Old):
        depth = None

    bus = SimpleNamespace(kind="bus", name="x", distribution="x 1")
    check_backend(bus, New())
    with pytest.warns(
        HookDeprecationWarning, match="^Bus.depth is .* 1.1 .* 2.0; use health"
    ) as told:
        check_backend(bus, Old())

    assert told[0].filename == __file__
    assert told[0].lineno == Old.depth.__code__.co_firstlineno
