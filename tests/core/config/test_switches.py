"""What the environment switches off, and what it makes loud."""

import pytest
from tests.core.plugin_env import PluginEnv

from gatewright import ConfigError
from gatewright.config.advice import advice
from gatewright.config.load import load_config
from gatewright.config.switches import Switches
from gatewright.plugin.catalogue import Catalogue
from gatewright.plugin.manager import PluginManager

FILE = """
auth: {anonymous: }
transports: {redis_stream: {dsn: redis://redis}}
extensions: {audit: {}, audit/two: {}, other: {}}
"""


@pytest.fixture
def audited(shop: PluginEnv) -> PluginEnv:
    shop.plugin("extension", "audit")
    shop.plugin("extension", "other")
    return shop


def extensions(env: PluginEnv, **environ: str):
    config = env.load(FILE, environ)
    return [each.name for each in config.plugins["extension"]], advice(config)


def test_nothing_is_left_out_by_itself(audited: PluginEnv) -> None:
    assert extensions(audited) == (["audit", "audit/two", "other"], [])


@pytest.mark.parametrize(
    ("names", "left", "out"),
    [
        ("audit", ["other"], ["audit", "audit/two"]),
        ("audit/two", ["audit", "other"], ["audit/two"]),
        (" other , audit ", [], ["audit", "audit/two", "other"]),
        ("", ["audit", "audit/two", "other"], []),
    ],
)
def test_extensions_are_left_out_by_name_and_told(
    audited: PluginEnv, names: str, left: list[str], out: list[str]
) -> None:
    told = [f"extensions.{name} is left out by GATEWRIGHT_DISABLE_PLUGINS" for name in out]
    assert extensions(audited, GATEWRIGHT_DISABLE_PLUGINS=names) == (left, told)


def test_a_name_in_vain_is_told(audited: PluginEnv) -> None:
    _, told = extensions(audited, GATEWRIGHT_DISABLE_PLUGINS="adit")
    assert told == ["GATEWRIGHT_DISABLE_PLUGINS names 'adit', which is no plugin of this file"]


@pytest.mark.parametrize("name", ["redis_stream", "anonymous"])
def test_a_backend_cannot_be_left_out(audited: PluginEnv, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        extensions(audited, GATEWRIGHT_DISABLE_PLUGINS=name)
    (problem,) = str(caught.value).splitlines()
    assert problem.endswith(f".{name}: is named here and in GATEWRIGHT_DISABLE_PLUGINS; remove one")


def test_safe_mode_takes_what_is_built_in_alone() -> None:
    file = "auth: {anonymous: }\ntransports: {http: {api_keys: [k]}}\nextensions: {dev_console: }\n"
    with pytest.raises(ConfigError) as caught:
        load_config(text=file, environ={"GATEWRIGHT_SAFE_MODE": "1"})
    assert str(caught.value) == (
        "gatewright.yaml:2:14: transports.http: is not built in, "
        "as GATEWRIGHT_SAFE_MODE asks; remove one"
    )


def test_safe_mode_leaves_extensions_of_others_out(audited: PluginEnv) -> None:
    file = "auth: {anonymous: }\nextensions: {audit: {}, dev_console: {}}\n"
    ours = [each for each in Catalogue.installed().plugins if each.distribution == "gatewright"]
    others = audited.catalogue().named("extension", "audit")
    both = PluginManager(Catalogue(plugins=(*ours, *others)))
    config = load_config(text=file, environ={"GATEWRIGHT_SAFE_MODE": "on"}, plugins=both)
    assert [each.name for each in config.plugins["extension"]] == ["dev_console"]
    assert advice(config) == ["extensions.audit is left out by GATEWRIGHT_SAFE_MODE"]


@pytest.mark.parametrize("word", ["", "0", "false", "No", " off "])
def test_a_switch_that_says_no_is_off(word: str) -> None:
    environ = {"GATEWRIGHT_SAFE_MODE": word, "GATEWRIGHT_TRACE_HOOKS": word}
    assert Switches.of(environ) == Switches()


def test_hooks_are_told_with_what_they_declare_and_without_settings(
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = "auth: {anonymous: }\ntransports: {http: {api_keys: [swordfish]}}\n"
    load_config(text=file, environ={"GATEWRIGHT_TRACE_HOOKS": "1"})
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 6
    assert told[1].startswith(
        "hook gatewright_transport() of gatewright-transport-http:gatewright_transport_http -> "
        "Factory(HttpSettings, "
    )
    assert all(line.endswith(" ms") for line in told)
    assert "swordfish" not in str(told)


def test_a_hook_that_fails_is_told_as_well(
    shop: PluginEnv, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.plugin("extension", "bad", extra="def bad(): raise RuntimeError('x')\n")
    text = (shop.folder / "made_extension_bad.py").read_text()
    (shop.folder / "made_extension_bad.py").write_text(
        text.replace("return Factory", "bad(); return Factory")
    )
    with pytest.raises(ConfigError):
        shop.load("auth: {anonymous: }\nextensions: {bad: }\n", {"GATEWRIGHT_TRACE_HOOKS": "1"})
    assert "gatewright_extension() of acme-extension-bad:made_extension_bad -> RuntimeError in" in (
        capsys.readouterr().err
    )
