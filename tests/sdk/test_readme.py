"""The README's tables say what the code does."""

import re

import pytest
from tests.support.markdown import ROOT

import gatewright_sdk
from gatewright_sdk import Settings
from gatewright_sdk.config.environment import NAMES

TEXT = (ROOT / "sdk" / "README.md").read_text()
ROWS = re.findall(r"^\| `(WS_\w+)` \| (.*?) \|", TEXT, re.MULTILINE)
EACH = [
    *({"WS_TRANSPORT_TYPE": kind} for kind in ("http", "redis_stream", "rabbitmq")),
    *({"WS_PRESENCE_TYPE": kind} for kind in ("http", "redis")),
    *({"WS_EVENTS_TYPE": kind} for kind in ("webhook", "redis_stream", "rabbitmq")),
]


def test_every_name_has_a_row():
    assert [name for name, _ in ROWS] == list(NAMES)


@pytest.mark.parametrize(("name", "default"), ROWS)
def test_a_default_is_what_is_there_without_the_name(name, default):
    if not default.startswith("`") or default.strip("`") in NAMES or default.isupper():
        return  # none, required, by mode, made: told in words
    for types in EACH:
        environ = {"WS_GATEWAY_BASE_URL": "http://g", **types}
        if name not in types and name != "WS_WEBHOOK_SECRET":
            given = environ | {name: default.strip("`")}
            assert Settings.from_env(given) == Settings.from_env(environ), types


def test_every_error_has_a_row():
    told = set(re.findall(r"^\| `([A-Z]\w+)` \|", TEXT[TEXT.index("## Errors") :], re.MULTILINE))
    errors = {
        name
        for name in gatewright_sdk.__all__
        if isinstance(one := getattr(gatewright_sdk, name), type) and issubclass(one, Exception)
    }
    assert told == errors - {"GatewrightError"}


def test_the_code_runs(monkeypatch):
    monkeypatch.setenv("WS_GATEWAY_BASE_URL", "http://gateway:8000")
    names = {}
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(compile(block, "sdk/README.md", "exec"), names)  # noqa: S102 - our own page
    assert {"greet", "online", "publisher", "said", "presence_changed"} <= set(names)
