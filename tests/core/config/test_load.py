from pathlib import Path

import pytest
from tests.core.plugin_env import PluginEnv

from gatewright import ConfigError
from gatewright.config.advice import advice
from gatewright.config.load import load_config
from gatewright.config.source import MAX_BYTES
from gatewright.plugin.spec import KINDS

WHOLE = """
server:
  bind: 0.0.0.0:8180
  internal_bind: 127.0.0.1:8181
  allowed_origins: ["https://app.example.com"]
  trusted_proxies: ["10.0.0.0/8"]
auth:
  jwt: {algorithms: [RS256], public_key_file: keys/dev_public.pem}
transports:
  http: {api_keys: ["${GATEWAY_API_KEY}"]}
  redis_stream: {enabled: "${REDIS_DSN:+true}", dsn: "${REDIS_DSN:-}", stream: ws.outbox}
events:
  webhook: {url: "${SYMFONY_WEBHOOK_URL:-}", attempts: "${WEBHOOK_RETRY_ATTEMPTS:-3}"}
rate_limit:
  token_bucket: {per_second: 10, burst: 20}
"""


def test_a_whole_file_becomes_a_config(shop: PluginEnv) -> None:
    config = shop.load(WHOLE, {"GATEWAY_API_KEY": "key", "REDIS_DSN": "redis://redis"})

    assert config.core.server.bind == "0.0.0.0:8180"
    assert config.core.server.trusted_proxies == ("10.0.0.0/8",)
    assert [one.name for one in config.plugins["transport"]] == ["http", "redis_stream"]
    http, redis = config.plugins["transport"]
    assert http.settings.api_keys[0].get_secret_value() == "key"
    assert redis.settings.dsn.get_secret_value() == "redis://redis"
    (webhook,) = config.plugins["events"]
    assert webhook.settings.url is None
    assert webhook.settings.attempts == 3
    assert config.one("rate_limit").settings.burst == 20.0
    assert config.file == "gatewright.yaml"


def test_a_file_is_read_from_where_it_is(shop: PluginEnv, tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_bytes(b"\xef\xbb\xbfauth: {anonymous: }\n")

    config = load_config(file, environ={}, plugins=shop.manager())

    assert config.one("auth").name == "anonymous"
    assert config.file == str(file)


def test_what_the_file_does_not_name_is_served_by_the_built_in(shop: PluginEnv) -> None:
    config = shop.load("auth: {anonymous: }")

    assert set(config.plugins) == set(KINDS)
    assert {
        kind: [(one.name, one.by_default) for one in chosen]
        for kind, chosen in config.plugins.items()
    } == {
        "auth": [("anonymous", False)],
        "transport": [],
        "presence": [("memory", True)],
        "events": [],
        "dead_letters": [("file", True)],
        "rate_limit": [("token_bucket", True)],
        "bus": [("memory", True)],
        "extension": [],
    }
    assert config.core.limits.message_bytes == 1024 * 1024


def test_a_selected_plugin_says_where_it_came_from(shop: PluginEnv) -> None:
    selected = shop.load("auth: {anonymous: }").one("auth")

    assert selected.distribution == "acme-auth-anonymous 1.0"
    assert selected.plugin == "anonymous"


def test_a_plugin_is_used_twice_with_labels(shop: PluginEnv) -> None:
    config = shop.load(
        """
        auth: {anonymous: }
        transports:
          redis_stream/eu: {dsn: "redis://eu"}
          redis_stream/us.east-1: {dsn: "redis://us"}
          redis_stream: {dsn: "redis://here"}
        """
    )
    names = [(one.name, one.plugin) for one in config.plugins["transport"]]

    assert names == [
        ("redis_stream/eu", "redis_stream"),
        ("redis_stream/us.east-1", "redis_stream"),
        ("redis_stream", "redis_stream"),
    ]


@pytest.mark.parametrize("nothing", ["", "null", "~", "{}", "{enabled: true}", "{enabled: '1'}"])
def test_an_entry_without_options_has_all_defaults(shop: PluginEnv, nothing: str) -> None:
    config = shop.load(f"auth: {{anonymous: }}\nrate_limit:\n  token_bucket: {nothing}\n")

    assert config.one("rate_limit").settings.burst == 20.0
    assert config.one("rate_limit").by_default is False


@pytest.mark.parametrize("section", ["server", "limits", "transports", "presence", "extensions"])
@pytest.mark.parametrize("nothing", ["", "null", "{}", '"${UNSET:-}"'])
def test_an_empty_section_is_an_absent_one(shop: PluginEnv, section: str, nothing: str) -> None:
    config = shop.load(f"auth: {{anonymous: }}\n{section}: {nothing}\n")

    assert config == shop.load("auth: {anonymous: }") or config.core.server.path == "/ws"
    assert config.one("presence").by_default is True


def test_only_what_the_file_names_is_imported(shop: PluginEnv) -> None:
    shop.module("rogue", "raise SystemExit('imported')")
    shop.distribution("rogue", transport={"rogue": "rogue"}, presence={"rogue": "rogue"})

    assert shop.load("auth: {anonymous: }")


def test_the_same_text_needs_the_environment_only_through_the_mapping(
    shop: PluginEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWRIGHT_TEST_PATH", "/from-process")
    text = "auth: {anonymous: }\nserver: {path: '${GATEWRIGHT_TEST_PATH:-/default}'}"

    assert shop.load(text, {}).core.server.path == "/default"
    config = load_config(text=text, plugins=shop.manager())
    assert config.core.server.path == "/from-process"


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "gatewright.yaml")

    assert str(caught.value) == f"{tmp_path}/gatewright.yaml: no such file"
    assert caught.value.exit_code == 2


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a directory; name the file in it"):
        load_config(tmp_path)


def test_a_file_below_a_file_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")

    with pytest.raises(ConfigError, match="cannot be read: Not a directory"):
        load_config(tmp_path / "x" / "gatewright.yaml")


def test_a_name_that_no_file_system_takes_cannot_be_read() -> None:
    with pytest.raises(ConfigError, match="cannot be read: not a file name"):
        load_config(Path("a\0b"))


def test_a_file_that_is_not_utf_8_is_told_where(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"auth: \xff")

    with pytest.raises(ConfigError, match=r"x\.yaml: not UTF-8 at byte 6"):
        load_config(tmp_path / "x.yaml")


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "x.yaml").open("wb") as file:
        file.truncate(10 * MAX_BYTES)

    with pytest.raises(ConfigError, match="larger than 1048576 bytes"):
        load_config(tmp_path / "x.yaml")
    with pytest.raises(ConfigError, match="larger than 1048576 bytes"):
        load_config(text="#" * (MAX_BYTES + 1))


def test_there_is_one_source(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="either a path or a text"):
        load_config()
    with pytest.raises(ValueError, match="either a path or a text"):
        load_config(tmp_path, text="")


def test_limits_by_address_without_trusted_proxies_are_worth_a_word(shop: PluginEnv) -> None:
    text = "auth: {anonymous: }\nlimits: {connections_per_address: 5}\n"
    (line,) = advice(shop.load(text))
    assert "connections_per_address" in line
    assert advice(shop.load(f"{text}server: {{trusted_proxies: [10.0.0.0/8]}}")) == []
    assert advice(shop.load("auth: {anonymous: }")) == []


def test_levels_of_logging_may_be_upper_case(shop: PluginEnv) -> None:
    logging = shop.load("auth: {anonymous: }\nlogging: {level: INFO, format: JSON}").core.logging
    assert (logging.level, logging.format) == ("info", "json")
