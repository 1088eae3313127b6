"""Settings come from the environment or a mapping, and what is wrong is told at once."""

import pytest

from gatewright_sdk.config import (
    HttpPresenceSettings,
    HttpSettings,
    Interpretation,
    NoEventsSettings,
    RabbitMqEventsSettings,
    RabbitMqSettings,
    RedisEventsSettings,
    RedisPresenceSettings,
    RedisStreamSettings,
    Settings,
    WebhookSettings,
)
from gatewright_sdk.config.environment import NAMES
from gatewright_sdk.errors import ConfigurationError

GATEWAY = {"WS_GATEWAY_BASE_URL": "http://gateway:8000"}


def problems(environ=None, mapping=None):
    with pytest.raises(ConfigurationError) as caught:
        if mapping is None:
            Settings.from_env(environ)
        else:
            Settings.from_mapping(mapping)
    return str(caught.value).splitlines()


def test_an_address_is_all_that_a_terminator_needs():
    assert Settings.from_env(GATEWAY) == Settings(
        transport=HttpSettings(base_url="http://gateway:8000"),
        presence=HttpPresenceSettings(base_url="http://gateway:8000"),
        events=WebhookSettings(),
    )


def test_core_means_redis_for_all_three():
    assert Settings.from_env({"WS_MODE": "core", "WS_REDIS_DSN": "redis://r:1"}) == Settings(
        transport=RedisStreamSettings(dsn="redis://r:1"),
        presence=RedisPresenceSettings(dsn="redis://r:1"),
        events=RedisEventsSettings(dsn="redis://r:1"),
    )


def test_the_defaults_are_those_of_the_gateway():
    settings = Settings.from_env({"WS_MODE": "core"})
    assert settings.transport.dsn == "redis://redis:6379"
    assert (settings.transport.stream, settings.events.streams) == ("ws.outbox", ("ws.events",))
    assert settings.presence.prefix == "presence:"
    assert settings.presence.interpretation == Interpretation(strategy="heartbeat")
    rabbitmq = Settings.from_env(
        GATEWAY | {"WS_TRANSPORT_TYPE": "rabbitmq", "WS_EVENTS_TYPE": "rabbitmq"}
    )
    assert rabbitmq.transport == RabbitMqSettings(
        dsn="amqp://guest:guest@rabbitmq:5672/",
        exchange="ws.outbox",
        queue="ws.outbox",
        routing_key="ws.outbox",
    )
    assert rabbitmq.events == RabbitMqEventsSettings(
        dsn="amqp://guest:guest@rabbitmq:5672/",
        exchange="ws.events",
        queue="ws.events",
        routing_key="ws.events",
    )


def test_every_name_of_the_environment_reaches_its_setting():
    types = {"transport.http", "presence.http", "events.webhook"}
    for name, paths in NAMES.items():
        value = {
            "WS_MODE": "core",
            "WS_EVENTS_START": "0",
            "WS_WEBHOOK_ENABLED": "off",
            "WS_WEBHOOK_INSECURE": "yes",
            "WS_WEBHOOK_PATH": "/7",
        }.get(name, "7")
        for path in paths:
            part, _, rest = path.partition(".")
            kind = rest.partition(".")[0]
            chosen = {f"WS_{part.upper()}_TYPE": kind} if rest.count(".") else {}
            address = {"dsn": "redis", "base_url": "http"}.get(path.rpartition(".")[2])
            if address:
                value = f"{'amqp' if 'rabbitmq' in path else address}://host:7"
            if path.endswith(".type"):
                value = "redis" if part == "presence" else "rabbitmq"
            before = Settings.from_env(GATEWAY | chosen)
            assert Settings.from_env(GATEWAY | chosen | {name: value}) != before, (name, path)
    assert types <= {path.rpartition(".")[0] for paths in NAMES.values() for path in paths}


def test_a_name_that_is_set_to_nothing_is_absent():
    empty = dict.fromkeys(NAMES, "")
    assert Settings.from_env(empty | GATEWAY) == Settings.from_env(GATEWAY)


def test_the_bundles_secret_is_read_where_there_is_no_other():
    old = GATEWAY | {"SYMFONY_WEBHOOK_SECRET": "old"}
    assert Settings.from_env(old).events.secrets == ("old",)
    assert Settings.from_env(old | {"WS_WEBHOOK_SECRET": "new"}).events.secrets == ("new",)


def test_two_secrets_while_one_is_replaced():
    names = {"WS_WEBHOOK_SECRET": "a,b", "WS_WEBHOOK_NEXT_SECRET": "c"}
    assert Settings.from_env(GATEWAY | names).events.secrets == ("a,b", "c")


def test_messages_may_have_a_stream_of_their_own():
    names = {"WS_MODE": "core", "WS_REDIS_INBOX_STREAM": "ws.inbox"}
    assert Settings.from_env(names).events.streams == ("ws.events", "ws.inbox")
    same = names | {"WS_REDIS_EVENTS_STREAM": "ws.inbox"}
    assert Settings.from_env(same).events.streams == ("ws.inbox",)


def test_no_events():
    assert Settings.from_env(GATEWAY | {"WS_EVENTS_TYPE": "none"}).events == NoEventsSettings()


def test_a_mapping_has_the_bundles_shape():
    settings = Settings.from_mapping(
        {
            "mode": "core",
            "transport": {
                "type": "http",
                "http": {"base_url": "https://gateway/", "api_key": "k", "timeout_seconds": 2},
                "redis_stream": {"dsn": "of another time"},
            },
            "presence": {
                "type": "redis",
                "redis": {"dsn": "unix:///run/redis.sock", "prefix": "p:"},
                "interpretation": {"strategy": "ttl", "use_last_seen": False},
            },
            "events": {"type": "webhook", "webhook": {"secrets": ["a", "", "b"]}},
            "subjects": {"user_prefix": "person:"},
        }
    )
    assert settings == Settings(
        transport=HttpSettings(base_url="https://gateway", api_key="k", timeout_seconds=2),
        presence=RedisPresenceSettings(
            dsn="unix:///run/redis.sock",
            prefix="p:",
            interpretation=Interpretation(strategy="ttl", use_last_seen=False),
        ),
        events=WebhookSettings(secrets=("a", "b")),
        user_prefix="person:",
    )


def test_every_problem_is_told_by_its_name():
    assert problems(
        {
            "WS_MODE": "centre",
            "WS_GATEWAY_TIMEOUT_SECONDS": "soon",
            "WS_EVENTS_TYPE": "webhook",
            "WS_WEBHOOK_ENABLED": "perhaps",
            "WS_WEBHOOK_TOLERANCE_SECONDS": "-1",
        }
    ) == [
        "WS_MODE: must be one of terminator, core, found 'centre'",
        "WS_GATEWAY_BASE_URL: is missing: an address that begins with http:// or https://",
        "WS_GATEWAY_TIMEOUT_SECONDS: must be a number, found 'soon'",
        "WS_WEBHOOK_ENABLED: must be true or false, found 'perhaps'",
        "WS_WEBHOOK_TOLERANCE_SECONDS: must be more than 0 seconds, found -1",
    ]


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        (
            {"transport": {"type": "pigeon"}},
            "transport.type: must be one of http, redis_stream, rabbitmq, found 'pigeon'",
        ),
        (
            {"transport": {"http": "x"}},
            "transport.http: must be a mapping, found 'x'",
        ),
        (
            {"transport": {"http": {"base_url": "http://g", "attempts": 1.5}}},
            "transport.http.attempts: must be a whole number, 1 or more, found 1.5",
        ),
        (
            {"transport": {"http": {"base_url": "http://g", "timeout": 1}}},
            "transport.http.timeout: is no setting; did you mean timeout_seconds?",
        ),
        (
            {"presence": {"interpretation": {"grace_seconds": "much"}}},
            "presence.interpretation.grace_seconds: must be a number, found 'much'",
        ),
        ({"event": {}}, "event: is no setting; did you mean events?"),
        (
            {"transport": {"http": {"base_url": "http://g", "publish_path": "publish"}}},
            "transport.http.publish_path: must begin with a slash, found 'publish'",
        ),
        (
            {"presence": {"http": {"base_url": "http://g", "by_user_path": "/connections"}}},
            (
                "presence.http.by_user_path: must begin with a slash and hold {user_id}, "
                "found '/connections'"
            ),
        ),
        (
            {"mode": "core", "transport": {"redis_stream": {"max_length": [1]}}},
            "transport.redis_stream.max_length: must be a number, found a list",
        ),
        (
            {"mode": "core", "events": {"redis_stream": {"streams": [1]}}},
            "events.redis_stream.streams: must be a text, or a list of texts, found a list",
        ),
        (
            {"mode": "core", "events": {"redis_stream": {"start": "yesterday"}}},
            "events.redis_stream.start: must be one of $, 0, found 'yesterday'",
        ),
        (
            {"events": {"webhook": {"secrets": [b"x"]}}},
            "events.webhook.secrets: must be a text, or a list of texts",
        ),
        ({"subjects": {"user_prefix": 5}}, "subjects.user_prefix: must be a text, found 5"),
    ],
)
def test_what_is_wrong_is_named(mapping, problem):
    assert problem in problems(mapping=mapping)


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_limit_of_nothing_is_none(nothing):
    mapping = {"mode": "core", "transport": {"redis_stream": {"max_length": nothing}}}
    assert Settings.from_mapping(mapping).transport.max_length is None


@pytest.mark.parametrize(
    "dsn",
    [
        "http://user:hunter2@redis",
        "redis://:hunter2@:6379",
        "redis://:hunter2@redis:99999",
        "redis://:hunter2@re dis",
        "hunter2",
    ],
)
def test_an_address_that_is_no_good_is_not_shown(dsn):
    (problem,) = problems(GATEWAY | {"WS_TRANSPORT_TYPE": "redis_stream", "WS_REDIS_DSN": dsn})
    assert problem == (
        "WS_REDIS_DSN: must be an address that begins with redis:// or rediss:// or unix://"
    )


def test_settings_show_no_secret():
    names = {"WS_GATEWAY_API_KEY": "hunter2", "WS_WEBHOOK_SECRET": "hunter2"}
    address = {"WS_GATEWAY_BASE_URL": "http://user:hunter2@gateway"}
    assert "hunter2" not in repr(Settings.from_env(GATEWAY | names | address))
    core = {"WS_MODE": "core", "WS_REDIS_DSN": "redis://:hunter2@redis"}
    assert "hunter2" not in repr(Settings.from_env(core))


@pytest.mark.parametrize("key", ["schlüssel", "two words", "line\n", "\x7f"])
def test_a_key_that_no_header_can_carry_is_told(key):
    (problem,) = problems(GATEWAY | {"WS_GATEWAY_API_KEY": key})
    assert problem == (
        "WS_GATEWAY_API_KEY: must be ASCII without spaces and control characters: "
        "a header carries it"
    )
