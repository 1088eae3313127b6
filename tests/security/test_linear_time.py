"""Work on hostile input is linear: 100 KB take milliseconds, where a square would take a minute.

Not a stopwatch on milliseconds, which a busy machine would spoil: each has a second of CPU, a
hundred times what it needs, and a tenth or less of what quadratic work would take.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import time

import pytest

import gatewright
import gatewright_auth_jwt
import gatewright_events_webhook
import gatewright_transport_http
from gatewright import Handshake, InvalidPublication, parse_publication
from gatewright.config.load import load_config
from gatewright.errors import ConfigError
from gatewright.plugin.suggest import did_you_mean
from gatewright.server.addresses import ClientAddress
from gatewright.server.identify import handshake_of
from gatewright.server.request_head import bad_head
from gatewright.wire.inbound import classify, refresh_token
from gatewright.wire.names import is_subject, is_user_id
from gatewright_auth_jwt.tokens import find_token
from gatewright_events_webhook.answers import retry_after
from gatewright_events_webhook.target import BadTarget, Target
from gatewright_transport_http.submission import read_head

SIZE = 100_000
SECONDS = 1.0
BOUNDED = {"gatewright.plugin.describe._CREDENTIALS": 2000}  # what is cut before it is looked at
SEEDS = [
    "a", " ", "\n", "\0", "\\", '"', '\\"', '"\\', "[", "{", "]}", '{"a":', ":", ",", "${", "${A:-",
    "}", "$", "%", "%2", "/", "//", ".", "..", "1", "0", "-", "=", "&", "a=&", ";", "é", "\u2028",
    "user:", "whsec_", "\r\n ", "\t ", "1.", "1e", "127.0.0.1, ", "http://", "@", "#", "~", "<<: ",
    "- ", "? ", "*a ", "&a ", "!!", "'", "A" * 64 + "\n", "-----BEGIN ",
]  # fmt: skip


def hostile():
    for seed in SEEDS:
        text = seed * (SIZE // len(seed))
        yield text
        yield text + "!"
        yield '"' + text


def patterns():
    """Find every compiled pattern in the modules of core and plugins, with how each is used."""
    for package in (
        gatewright, gatewright_auth_jwt, gatewright_events_webhook, gatewright_transport_http,
    ):  # fmt: skip
        for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if info.name.endswith("__main__"):
                continue
            module = importlib.import_module(info.name)
            for name, value in vars(module).items():
                if isinstance(value, re.Pattern):
                    uses = set(re.findall(rf"\b{name}\.(\w+)\(", inspect.getsource(module)))
                    yield f"{info.name}.{name}", (value, uses)


PATTERNS = dict(patterns())


def test_there_are_patterns_to_look_at():
    assert len(PATTERNS) > 3


USES = {
    "match": re.match,
    "fullmatch": re.fullmatch,
    "search": re.search,
    "sub": lambda pattern, text: pattern.sub(text[:0], text),
    "split": re.split,
    "findall": re.findall,
    "finditer": lambda pattern, text: list(pattern.finditer(text)),
}


def seconds(function, *arguments):
    began = time.process_time()
    function(*arguments)
    return time.process_time() - began


@pytest.mark.parametrize("name", PATTERNS)
def test_no_pattern_backtracks(name):
    pattern, uses = PATTERNS[name]
    most = BOUNDED.get(name, SIZE)
    for text in hostile():
        subject = text[:most]
        subject = subject.encode() if isinstance(pattern.pattern, bytes) else subject
        for use in uses or {"match", "search"}:
            spent = seconds(USES[use], pattern, subject)
            assert spent < SECONDS, (pattern.pattern, use, text[:20])


def scope_of(text):
    data = text.encode()
    return {
        "type": "websocket", "path": "/" + text, "raw_path": b"/" + data, "query_string": data,
        "headers": [(b"x-forwarded-for", data), (b"authorization", data), (b"origin", data)],
        "client": ("127.0.0.1", 1),
    }  # fmt: skip


def refused(function, *errors):
    def call(text):
        try:
            function(text)
        except errors:
            return

    return call


WORK = {
    "is_user_id": is_user_id,
    "is_subject": is_subject,
    "classify": classify,
    "refresh_token": refresh_token,
    "parse_publication": refused(lambda t: parse_publication(t.encode()), InvalidPublication),
    "a payload": refused(
        lambda t: parse_publication(b'{"payload":%b}' % t.encode()), InvalidPublication
    ),
    "read_head": refused(lambda t: read_head(t.encode()), InvalidPublication),
    "handshake_of": lambda t: handshake_of(scope_of(t)),
    "bad_head": lambda t: bad_head(scope_of(t)),
    "a client's address": lambda t: ClientAddress(["127.0.0.0/8"]).of("127.0.0.1", t),
    "a bearer token": lambda t: find_token(
        Handshake("/ws", {"token": [t]}, {"authorization": t}, (t, "bearer", t)),
        ("header", "query", "protocol"),
    ),
    "a receiver's Retry-After": lambda t: retry_after(t, 0.0),
    "a webhook's url": refused(Target.parse, BadTarget),
    "a suggestion": lambda t: did_you_mean(t[:10_000], ["redis_stream", "http"]),
}


@pytest.mark.parametrize("name", WORK)
def test_work_on_hostile_text_is_linear(name):
    for text in hostile():
        assert seconds(WORK[name], text) < SECONDS, text[:20]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_hostile_file_is_judged_in_time(seed):
    text = "auth: {anonymous: {}}\nserver: {node_id: " + seed * (SIZE // len(seed))
    began = time.process_time()
    with pytest.raises(ConfigError):
        load_config(text=text, environ={})
    assert time.process_time() - began < 20 * SECONDS  # PyYAML itself takes a second for this
