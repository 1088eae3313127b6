import sys

import pytest
from tests.core.plugin_env import PluginEnv

from gatewright import ConfigError


def is_enabled(env: PluginEnv, condition: str, environ: dict[str, str] | None = None) -> bool:
    text = f"auth: {{anonymous: }}\nevents: {{webhook: {{enabled: {condition}}}}}"
    return bool(env.load(text, environ).plugins["events"])


@pytest.mark.parametrize(
    ("value", "enabled"),
    [
        ("true", True),
        ("false", False),
        ("yes", True),
        ("off", False),
        ("1", True),
        ("0", False),
        ("'TRUE'", True),
        ("' false '", False),
        ("", False),
        ("~", False),
        ("''", False),
        ('"${SET:+true}"', True),
        ('"${UNSET:+true}"', False),
        ('"${EMPTY:+true}"', False),
        ('"${EMPTY}"', False),
        ('"${FLAG}"', True),
        ('"${UNSET:-false}"', False),
    ],
)
def test_enabled_is_true_false_or_empty(shop: PluginEnv, value: str, *, enabled: bool) -> None:
    assert is_enabled(shop, value, {"SET": "x", "EMPTY": "", "FLAG": "1"}) is enabled


def test_an_entry_is_enabled_unless_it_says_otherwise(shop: PluginEnv) -> None:
    assert shop.load("auth: {anonymous: }\nevents: {webhook: {}}").plugins["events"]


@pytest.mark.parametrize(
    ("condition", "mode", "enabled"),
    [
        ("{env: MODE, in: [both, webhook]}", "both", True),
        ("{env: MODE, in: [both, webhook]}", "broker", False),
        ("{env: MODE, in: [both, webhook]}", "", False),
        ("{env: MODE, in: [both, webhook]}", None, False),
        ("{env: MODE, in: ['', both]}", "", False),
        ("{env: MODE, not_in: [broker, none]}", "webhook", True),
        ("{env: MODE, not_in: [broker, none]}", "none", False),
        ("{env: MODE, not_in: [broker, none]}", "", True),
        ("{env: MODE, not_in: [broker, none]}", None, True),
        ("{env: MODE, not_in: ['']}", "", True),
        ("{env: MODE, in: []}", "both", False),
        ("{env: MODE, in: [on, 1, 007]}", "on", True),
        ("{env: MODE, in: [on, 1, 007]}", "1", True),
        ("{env: MODE, in: [on, 1, 007]}", "007", True),
        ("{env: MODE, in: [on, 1, 007]}", "true", False),
        ("{env: MODE, in: ['${OTHER}']}", "other", True),
        ("{env: '${NAME}', in: [both]}", "both", True),
        ("{env: MODE, set: true}", "x", True),
        ("{env: MODE, set: true}", "", False),
        ("{env: MODE, set: true}", None, False),
        ("{env: MODE, set: false}", "x", False),
        ("{env: MODE, set: false}", "", True),
        ("{env: MODE, set: false}", None, True),
        ("{all: [{env: MODE, in: [both]}, {env: OTHER, set: true}]}", "both", True),
        ("{all: [{env: MODE, in: [both]}, {env: UNSET, set: true}]}", "both", False),
        ("{any: [{env: MODE, in: [both]}, {env: UNSET, set: true}]}", "both", True),
        ("{any: [{env: MODE, in: [both]}, {env: UNSET, set: true}]}", "broker", False),
        ("{any: [false, {all: [true, {any: [{env: MODE, set: true}]}]}]}", "x", True),
        ("{all: [true, '${UNSET:+true}']}", "x", False),
    ],
)
def test_conditions(shop: PluginEnv, condition: str, mode: str | None, *, enabled: bool) -> None:
    environ = {"OTHER": "other", "NAME": "MODE"}
    if mode is not None:
        environ["MODE"] = mode

    assert is_enabled(shop, condition, environ) is enabled


def test_a_disabled_entry_needs_no_variables_and_no_valid_values(shop: PluginEnv) -> None:
    config = shop.load(
        """
        auth: {anonymous: }
        transports:
          redis_stream: {enabled: false, dsn: "${UNSET}", count: many, stream: "${"}
        """
    )
    assert config.plugins["transport"] == ()


def test_a_disabled_entry_is_still_spelt_right(shop: PluginEnv) -> None:
    with pytest.raises(ConfigError) as caught:
        shop.load(
            """
            auth: {anonymous: }
            transports:
              redis_stream: {enabled: false, dns: x, pool: {sise: "${UNSET}"}}
              redis_steam: {enabled: false}
            """
        )
    assert [(problem.path, problem.message) for problem in caught.value.problems] == [
        ("transports.redis_stream.dns", "unknown option; did you mean 'dsn'?"),
        ("transports.redis_stream.pool.sise", "unknown option; did you mean 'size'?"),
        (
            "transports.redis_steam",
            (
                "no transport named 'redis_steam'; did you mean 'redis_stream'? "
                "Installed: http, redis_stream."
            ),
        ),
    ]


def test_a_disabled_plugin_need_not_be_installed(shop: PluginEnv) -> None:
    text = "auth: {anonymous: }\ntransports: {rabbitmq: {enabled: false, anything: 1}}"

    assert shop.load(text).plugins["transport"] == ()


def test_a_disabled_plugin_need_not_be_sound(shop: PluginEnv) -> None:
    shop.module("broken", "raise RuntimeError")
    shop.distribution("broken", transport={"broken": "broken"})
    text = "auth: {anonymous: }\ntransports: {broken: {enabled: false, anything: 1}}"

    assert shop.load(text).plugins["transport"] == ()
    assert "broken" not in sys.modules


def test_a_kind_that_takes_one_may_list_several(shop: PluginEnv) -> None:
    text = """
        auth: {anonymous: }
        presence:
          redis: {enabled: "${REDIS_DSN:+true}", dsn: "${REDIS_DSN:-}"}
          memory: {enabled: {env: REDIS_DSN, set: false}}
        """
    with_redis = shop.load(text, {"REDIS_DSN": "redis://redis"}).one("presence")
    without = shop.load(text).one("presence")

    assert (with_redis.name, with_redis.by_default) == ("redis", False)
    assert (without.name, without.by_default) == ("memory", False)


def test_where_all_are_disabled_the_built_in_serves(shop: PluginEnv) -> None:
    config = shop.load("auth: {anonymous: }\npresence: {redis: {enabled: false, dsn: x}}")

    assert (config.one("presence").name, config.one("presence").by_default) == ("memory", True)


def test_enabled_never_reaches_the_plugins_settings(shop: PluginEnv) -> None:
    config = shop.load("auth: {anonymous: {enabled: true}}")

    assert not hasattr(config.one("auth").settings, "enabled")
