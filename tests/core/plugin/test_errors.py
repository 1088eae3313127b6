import copy
import pickle

import pytest

from gatewright import PluginError
from gatewright.plugin import errors
from gatewright.plugin.errors import (
    AsyncHook,
    BadEntryPoint,
    FaultyPlugin,
    HookApiMalformed,
    HookApiMismatch,
    HookApiMissing,
    HookArguments,
    HookFailed,
    HookMissing,
    HookRefused,
    ImportFailed,
    NameTaken,
    NotAFactory,
    Origin,
    PluginNotInstalled,
    UnknownHook,
    UnknownPlugin,
    WrongCore,
    WrongKind,
    WrongSettings,
)

X = Origin("x", "x", "0.1")
NATS = Origin("nats", "gatewright-nats", "0.9")
RABBITMQ = Origin("rabbitmq", "gatewright-transport-rabbitmq", "1.0")
HOOKS = ("gatewright_auth", "gatewright_transport")

TEXTS = [
    (
        UnknownPlugin("transport", "redis_steam", ["redis_stream", "http", "rabbitmq"]),
        (
            "no transport named 'redis_steam'; did you mean 'redis_stream'? "
            "Installed: http, rabbitmq, redis_stream."
        ),
    ),
    (UnknownPlugin("events", "kafka", ["none"]), "no event sink named 'kafka'. Installed: none."),
    (UnknownPlugin("bus", "nats", []), "no bus named 'nats'. Installed: none."),
    (
        UnknownPlugin("transport", "rabitmq", ["http"], ["rabbitmq"]),
        "no transport named 'rabitmq'; did you mean 'rabbitmq'? Installed: http.",
    ),
    (
        PluginNotInstalled("transport", "rabbitmq", "gatewright-transport-rabbitmq"),
        (
            "published as gatewright-transport-rabbitmq but not installed here; "
            "run: pip install gatewright-transport-rabbitmq"
        ),
    ),
    (
        WrongKind("transport", "jwt", ["auth"], ["redis_stream", "http"]),
        "'jwt' is installed but offers auth, not transport. Transports: http, redis_stream.",
    ),
    (
        WrongKind("auth", "redis", ["presence", "bus"], []),
        "'redis' is installed but offers presence and bus, not auth. Auth: none.",
    ),
    (
        NameTaken(
            "transport", "redis_stream", ["gatewright-transport-redis 1.3", "acme-redis 0.2"]
        ),
        (
            "two distributions provide transport 'redis_stream': "
            "gatewright-transport-redis 1.3 and acme-redis 0.2; uninstall one"
        ),
    ),
    (
        NameTaken("bus", "nats", ["a 1", "b 2", "c 3"]),
        "3 distributions provide bus 'nats': a 1, b 2 and c 3; uninstall all but one",
    ),
    (
        BadEntryPoint(X, "x:plugin"),
        "plugin 'x' (x 0.1): its entry point must name a module, found 'x:plugin'",
    ),
    (
        ImportFailed(RABBITMQ, ModuleNotFoundError("No module named 'aio_pika'")),
        (
            "plugin 'rabbitmq' (gatewright-transport-rabbitmq 1.0) cannot be imported: "
            "ModuleNotFoundError: No module named 'aio_pika'; reinstall it"
        ),
    ),
    (
        ImportFailed(X, ValueError("first line\nsecond line")),
        "plugin 'x' (x 0.1) cannot be imported: ValueError: first line",
    ),
    (
        ImportFailed(X, ValueError("no \x1b[31mway to redis://:hunter2@cache")),
        "plugin 'x' (x 0.1) cannot be imported: ValueError: no \\x1b[31mway to redis://***@cache",
    ),
    (
        ImportFailed(X, SystemExit()),
        "plugin 'x' (x 0.1) cannot be imported: SystemExit",
    ),
    (
        WrongCore(NATS, ">=2,<3", "1.4"),
        (
            "plugin 'nats' (gatewright-nats 0.9) requires gatewright>=2,<3, this is 1.4; "
            "run: pip install --upgrade gatewright gatewright-nats"
        ),
    ),
    (
        HookApiMissing(X),
        "plugin 'x' (x 0.1) states no hook API; add GATEWRIGHT_API = (1, 0) to its module",
    ),
    (
        HookApiMalformed(X),
        (
            "plugin 'x' (x 0.1) states a hook API that is not a pair of whole numbers; "
            "write GATEWRIGHT_API = (1, 0) in its module"
        ),
    ),
    (
        HookApiMismatch(NATS, (2, 0), (1, 2), "1.4"),
        (
            "plugin 'nats' (gatewright-nats 0.9) was built for hook API 2.0; gatewright 1.4 offers "
            "1.2; upgrade gatewright, or install gatewright-nats<0.9"
        ),
    ),
    (
        HookApiMismatch(NATS, (1, 7), (2, 0), "2.0"),
        (
            "plugin 'nats' (gatewright-nats 0.9) was built for hook API 1.7; gatewright 2.0 offers "
            "2.0; upgrade gatewright-nats"
        ),
    ),
    (
        UnknownHook(X, "gatewright_transports", HOOKS),
        (
            "plugin 'x' (x 0.1) implements 'gatewright_transports', which is no hook; "
            "did you mean 'gatewright_transport'?"
        ),
    ),
    (
        UnknownHook(X, "on_message", HOOKS),
        "plugin 'x' (x 0.1) implements 'on_message', which is no hook",
    ),
    (
        HookArguments(X, "gatewright_transport", ["ctx"], []),
        (
            "plugin 'x' (x 0.1) takes 'ctx', which gatewright_transport does not pass; "
            "it passes nothing"
        ),
    ),
    (
        HookArguments(X, "gatewright_transport", ["a", "b"], ["c", "d"]),
        (
            "plugin 'x' (x 0.1) takes 'a' and 'b', which gatewright_transport does not pass; "
            "it passes 'c' and 'd'"
        ),
    ),
    (
        AsyncHook(X, "gatewright_transport"),
        (
            "plugin 'x' (x 0.1): gatewright_transport is 'async def'; hooks are plain functions: "
            "put async work in the factory's open()"
        ),
    ),
    (
        HookMissing(X, "gatewright_bus", "x_plugin"),
        (
            "plugin 'x' (x 0.1) does not implement gatewright_bus; "
            "add it to module 'x_plugin', marked with @hookimpl"
        ),
    ),
    (
        HookRefused(X, ValueError("odd")),
        "plugin 'x' (x 0.1) cannot be registered: ValueError: odd",
    ),
    (
        HookFailed(X, "gatewright_bus", KeyError("k")),
        "plugin 'x' (x 0.1): gatewright_bus raised KeyError: 'k'",
    ),
    (
        NotAFactory(X, "gatewright_bus", "dict"),
        "plugin 'x' (x 0.1): gatewright_bus must return one Factory, found dict",
    ),
    (
        WrongSettings(X, "gatewright_events", "SinkSettings", "Options"),
        (
            "plugin 'x' (x 0.1): the settings of gatewright_events's factory must be a subclass of "
            "SinkSettings, found Options"
        ),
    ),
]


@pytest.mark.parametrize(("error", "text"), TEXTS, ids=[type(error).__name__ for error, _ in TEXTS])
def test_each_error_says_exactly_this(error: PluginError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize("error", [error for error, _ in TEXTS], ids=lambda e: type(e).__name__)
def test_every_error_is_one_line_and_survives_copying(error: PluginError) -> None:
    assert "\n" not in str(error)
    assert str(copy.copy(error)) == str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - our own bytes


def test_every_error_class_has_a_text_in_the_table() -> None:
    classes = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, PluginError)
    }
    assert classes - {PluginError, FaultyPlugin} == {type(error) for error, _ in TEXTS}


def test_names_that_could_forge_output_are_shown_escaped() -> None:
    assert "\n" not in str(UnknownPlugin("bus", "a\nb", []))
    assert "\x1b" not in str(WrongKind("bus", "\x1b[31m", ["auth"], []))


def test_a_plugin_error_ends_the_process_with_exit_code_2() -> None:
    assert HookApiMissing(X).exit_code == 2
