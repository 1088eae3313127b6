"""What a value in the file means, and what a variable can and cannot do to it."""

import re

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.core.plugin_env import PluginEnv

from gatewright import ConfigError, Problem
from gatewright.config.result import Config

REDIS = """
auth: {anonymous: }
transports:
  redis_stream:
    dsn: redis://redis
    %s
"""
# What an environment can hold and a file can say: no NUL, no surrogates.
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def problems_of(env: PluginEnv, text: str, environ: dict[str, str]) -> tuple[Problem, ...]:
    """Return what is wrong; nothing means that there is a configuration."""
    try:
        config = env.load(text, environ)
    except ConfigError as error:
        return error.problems
    assert isinstance(config, Config)
    return ()


def redis(env: PluginEnv, options: str, environ: dict[str, str] | None = None):
    return env.load(REDIS % options, environ).plugins["transport"][0].settings


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        ("count: 5", "count", 5),
        ("count: 0x1F", "count", 31),
        ("count: 0b11", "count", 3),
        ("count: 010", "count", 8),
        ("count: 1_000", "count", 1000),
        ("count: +7", "count", 7),
        ("count: 3.0", "count", 3),
        ("count: '5'", "count", 5),
        ("share: 0", "share", 0.0),
        ("share: 1.0e-1", "share", 0.1),
        ("fast: yes", "fast", True),
        ("fast: Off", "fast", False),
        ("fast: 'true'", "fast", True),
        ("stream: 'yes'", "stream", "yes"),
        ("stream: 2026-01-01", "stream", "2026-01-01"),
        ("stream: 2026-01-01 10:00:00", "stream", "2026-01-01 10:00:00"),
        ("stream: 10:30", "stream", "10:30"),
        ("stream: 1:30.5", "stream", "1:30.5"),
        ("stream: =", "stream", "="),
        ("stream: !!str 5", "stream", "5"),
        ("stream: |\n      a\n      b", "stream", "a\nb\n"),
        ("tags: [a, 'b']", "tags", ("a", "b")),
        (
            "streams: {1: one, on: two, ~: three}",
            "streams",
            {"1": "one", "on": "two", "~": "three"},
        ),
        ("pool: ~", "pool", None),
    ],
)
def test_values_mean_what_yaml_says(
    shop: PluginEnv, options: str, name: str, value: object
) -> None:
    found = getattr(redis(shop, options), name)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        ('count: "${N}"', "count", 7),
        ("count: ${N}", "count", 7),
        ("count: ${UNSET:-9}", "count", 9),
        ("count: 1${N}", "count", 17),
        ("share: ${UNSET:-0.25}", "share", 0.25),
        ('fast: "${N:+true}"', "fast", True),
        ("stream: ${N}", "stream", "7"),
        ("stream: ws.${N}", "stream", "ws.7"),
        ("stream: $${N}", "stream", "${N}"),
        ("stream: ${EMPTY}", "stream", "ws.outbox"),
        ("stream: ${UNSET:-}", "stream", "ws.outbox"),
        ("tags: ['${EMPTY}', a, '${UNSET:-}', '${N}']", "tags", ("a", "7")),
        ("streams: {a: '${EMPTY}', b: '${N}'}", "streams", {"b": "7"}),
        ("pool: {size: '${N}', name: '${EMPTY}'}", "pool.name", "pool"),
        ("pools: [{size: '${N}'}]", "pools.0.size", 7),
    ],
)
def test_variables_are_put_into_scalars(
    shop: PluginEnv, options: str, name: str, value: object
) -> None:
    found = redis(shop, options, {"N": "7", "EMPTY": ""})
    for part in name.split("."):
        found = found[int(part)] if part.isdigit() else getattr(found, part)

    assert found == value


def test_keys_are_taken_as_they_are_written(shop: PluginEnv) -> None:
    assert redis(shop, "streams: {'${N}': a}", {"N": "7"}).streams == {"${N}": "a"}


def test_text_that_is_empty_in_the_file_is_not_absent(shop: PluginEnv) -> None:
    assert redis(shop, "streams: {a: ''}").streams == {"a": ""}
    with pytest.raises(ConfigError, match=r"redis_stream\.stream: must not be empty"):
        redis(shop, "stream: ''")


@pytest.mark.parametrize(
    "value", ["[a, b]", "{a: b}", "a\nb: c", "- a", "true", "~", "5", "!!int 5", "*x", "${N}", "#"]
)
def test_a_value_never_adds_structure(shop: PluginEnv, value: str) -> None:
    found = redis(
        shop, "stream: ${V}\n    tags: [a, '${V}']\n    streams: {k: '${V}'}", {"V": value}
    )

    assert found.stream == value
    assert found.tags == ("a", value)
    assert found.streams == {"k": value}


@pytest.mark.parametrize(
    ("option", "wanted"),
    [("tags", "a list"), ("streams", "a mapping"), ("pool", "a mapping"), ("pools", "a list")],
)
def test_a_value_where_structure_belongs_is_text(shop: PluginEnv, option: str, wanted: str) -> None:
    with pytest.raises(ConfigError, match=f"{option}: must be {wanted}, found text"):
        redis(shop, f"{option}: ${{V}}", {"V": "[a]"})


@given(VALUES.filter(bool))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_any_value_arrives_whole(open_shop: PluginEnv, value: str) -> None:
    assert redis(open_shop, "stream: '${V}'", {"V": value}).stream == value


@pytest.mark.parametrize("value", ["a\0b", "caf\udce9"])
def test_a_value_that_is_no_text_is_refused(shop: PluginEnv, value: str) -> None:
    with pytest.raises(ConfigError, match=r"redis_stream\.stream: holds a character"):
        redis(shop, "stream: ${V}", {"V": value})


def test_anchors_and_aliases_save_repetition(shop: PluginEnv) -> None:
    config = shop.load(
        """
        auth: {anonymous: }
        transports:
          redis_stream/a: &redis {dsn: "redis://${HOST}", tags: [x]}
          redis_stream/b: *redis
        """,
        {"HOST": "redis"},
    )
    first, second = config.plugins["transport"]

    assert first.settings == second.settings


def test_a_problem_in_an_alias_is_told_for_each_use(shop: PluginEnv) -> None:
    with pytest.raises(ConfigError) as caught:
        shop.load("auth: {anonymous: }\nserver: {bind: &x 5, path: *x}")

    assert [problem.path for problem in caught.value.problems] == ["server.bind", "server.path"]


@pytest.mark.parametrize("levels", [5, 9, 20])
def test_a_billion_laughs_are_not_laughed(shop: PluginEnv, levels: int) -> None:
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, levels)
    )
    with pytest.raises(ConfigError, match=r"too much of it|more than 100 aliases"):
        shop.load(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 500_000,
        "{a: " * 200_000,
        "- " * 300_000,
        "? " * 300_000,
        "&a " * 300_000,
        "!" * 500_000,
        '"' + "\\" * 500_000,
        "a: b\n" * 10_000,
        "\n".join(f"a{n}: b" for n in range(10_000)),
        "auth: {jwt: {" + ", ".join(f"leewai{n}: b" for n in range(9_000)) + "}}",
        "a: ${" * 10_000,
        "%" * 500_000,
    ],
    ids=lambda text: text[:4],
)
@pytest.mark.timeout(30)
def test_hostile_files_end_in_problems(shop: PluginEnv, text: str) -> None:
    with pytest.raises(ConfigError):
        shop.load(text)


SAMPLE = """
server: {bind: "0.0.0.0:${PORT:-80}", trusted_proxies: [10.0.0.1], tls: &t {certificate: c, key: k}}
auth: {jwt: {public_key: "${KEY}", enabled: {any: [{env: A, in: [x]}, {env: B, set: true}]}}}
transports:
  redis_stream/eu: {dsn: x, pools: [{size: 1}], tags: [a], streams: {a: b}, enabled: "${A:+true}"}
events: {webhook: , console: {types: [connected]}}
"""
PIECES = st.sampled_from(
    [*re.findall(r"\w+|\W", SAMPLE), "\t", "\n", "  ", "*t", "!!int ", "<<", "- ", "? ", "${", "|"]
)


@given(st.text() | st.lists(PIECES, max_size=60).map("".join))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_no_text_kills_the_loader(open_shop: PluginEnv, text: str) -> None:
    problems = problems_of(open_shop, text, {"A": "x", "PORT": "${", "KEY": ""})

    assert all("\n" not in str(problem) for problem in problems)


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_no_change_to_a_good_file_kills_the_loader(
    open_shop: PluginEnv, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(SAMPLE)))
    end = data.draw(st.integers(start, min(len(SAMPLE), start + 20)))
    text = SAMPLE[:start] + data.draw(PIECES | st.text(max_size=3)) + SAMPLE[end:]
    problems_of(open_shop, text, {"B": "x", "KEY": "key"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "dsn",
                "stream",
                "count",
                "share",
                "tags",
                "streams",
                "pool",
                "pools",
                "either",
                "fast",
                "mode",
                "enabled",
            ]
        ),
        JSON,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_no_options_kill_the_loader(open_shop: PluginEnv, options: dict[str, object]) -> None:
    text = yaml.safe_dump({"auth": {"anonymous": None}, "transports": {"redis_stream": options}})
    problems_of(open_shop, text, {})


@pytest.mark.parametrize(
    ("word", "level"),
    [("true", 3), ("on", 3), ("1", 3), ("false", None), ("off", None), ("0", None)],
)
def test_compression_is_switched_by_a_word_in_the_file_or_in_a_variable(shop, word, level):
    text = "auth: {anonymous: }\nserver: {permessage_deflate: %s}\n"
    for found in (shop.load(text % word), shop.load(text % "'${WORD}'", {"WORD": word})):
        deflate = found.core.server.permessage_deflate
        assert (deflate.level if deflate else None) == level
