"""What operators are told about plugins: every case, made to happen, and its one line of text."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from textwrap import dedent

import pytest
from tests.core.plugin_env import HEAD, PluginEnv

from gatewright import ConfigError

AUTH = "auth:\n  anonymous:\n"
HOOK = "GATEWRIGHT_API = (1, 0)\nfrom gatewright import hookimpl\n@hookimpl\n"
REDIS = ("gatewright-transport-redis", "1.0")


# -- what is installed -----------------------------------------------------------------------------


def usual(env: PluginEnv) -> None:
    """Install what a file names by default, and some of this project's plugins."""
    env.defaults()
    env.plugin("transport", "http", "api_keys: list[str] = []")
    env.plugin("transport", "redis_stream", "dsn: str = 'redis://localhost'\nstream: str = 's'")
    env.plugin("auth", "jwt", "secret: SecretStr = SecretStr('s')")
    env.plugin("presence", "redis", "dsn: str")


def usual_and_rabbitmq(env: PluginEnv) -> None:
    usual(env)
    env.plugin("transport", "rabbitmq")


def usual_and(
    name: str, source: str, *, distribution: str | None = None, version: str = "0.1"
) -> Callable[[PluginEnv], None]:
    """Install one more transport, whose module is ``source``."""

    def install(env: PluginEnv) -> None:
        usual(env)
        env.module(f"module_{name}", source)
        env.distribution(distribution or name, version, transport={name: f"module_{name}"})

    return install


def usual_twice(env: PluginEnv) -> None:
    env.defaults()
    for distribution, version in (("gatewright-transport-redis", "1.3"), ("acme-redis", "0.2")):
        env.distribution(distribution, version, transport={"redis_stream": "nowhere"})


def opening(body: str) -> Callable[[PluginEnv], None]:
    """Install a transport with this ``open``; what else a gateway needs is really installed."""

    def install(env: PluginEnv) -> None:
        extra = (
            "import asyncio\n@asynccontextmanager\nasync def open_backend(settings, context):\n"
            f"    {body}\n\n"
        )
        distribution, version = REDIS
        env.plugin(
            "transport", "redis_stream", extra=extra, distribution=distribution, version=version
        )

    return install


# -- how it is told --------------------------------------------------------------------------------


def by_loading(env: PluginEnv, row: Row) -> str:
    """Load the file, and return its problems."""
    with pytest.raises(ConfigError) as caught:
        env.load(row.file, dict(row.environ))
    return str(caught.value)


def by_serving(env: PluginEnv, row: Row) -> str:
    """Serve the file in a process, and return the last line that it prints; it must end with 3."""
    (env.folder / "gatewright.yaml").write_text(dedent(row.file))
    state = {"STATE_DIRECTORY": str(env.folder / "state"), "PYTHONPATH": str(env.folder)}
    done = subprocess.run(
        [sys.executable, "-m", "gatewright", "serve", "-c", "gatewright.yaml"],
        cwd=env.folder,
        env={**os.environ, **state, **row.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (3, False), done.stderr
    return done.stderr.splitlines()[-1]


@dataclass(frozen=True)
class Row:
    """One case.

    Attributes:
        case: What is wrong.
        file: The configuration.
        told: The whole text.
        installed: Puts plugins into the folder.
        by: Has the text told.
        environ: The environment.
    """

    case: str
    file: str
    told: str
    installed: Callable[[PluginEnv], None] = usual
    by: Callable[[PluginEnv, Row], str] = by_loading
    environ: Mapping[str, str] = field(default_factory=dict)


TABLE = [
    Row(
        "unknown plugin, near miss",
        "transports:\n  redis_steam:\n" + AUTH,
        (
            "gatewright.yaml:2:3: transports.redis_steam: no transport named 'redis_steam'; "
            "did you mean 'redis_stream'? Installed: http, rabbitmq, redis_stream."
        ),
        installed=usual_and_rabbitmq,
    ),
    Row(
        "unknown plugin, nothing near",
        "transports:\n  carrier_pigeons:\n" + AUTH,
        (
            "gatewright.yaml:2:3: transports.carrier_pigeons: no transport named "
            "'carrier_pigeons'. Installed: http, redis_stream."
        ),
    ),
    Row(
        "known, not installed",
        "transports:\n  rabbitmq:\n" + AUTH,
        (
            "gatewright.yaml:2:3: transports.rabbitmq: published as gatewright-transport-rabbitmq "
            "but not installed here; run: pip install gatewright-transport-rabbitmq"
        ),
    ),
    Row(
        "wrong kind",
        "transports:\n  jwt:\n" + AUTH,
        (
            "gatewright.yaml:2:3: transports.jwt: 'jwt' is installed but offers auth, "
            "not transport. Transports: http, redis_stream."
        ),
    ),
    Row(
        "unknown option",
        AUTH + "transports:\n  redis_stream:\n    dns: redis://cache\n",
        ("gatewright.yaml:5:5: transports.redis_stream.dns: unknown option; did you mean 'dsn'?"),
    ),
    Row(
        "wrong type",
        AUTH + "transports:\n  redis_stream:\n    dsn: 6379\n",
        "gatewright.yaml:5:10: transports.redis_stream.dsn: must be text, found a number",
    ),
    Row(
        "out of range",
        AUTH + "limits:\n  message_bytes: 0\n",
        "gatewright.yaml:4:18: limits.message_bytes: must be greater than 0",
    ),
    Row(
        "missing variable",
        AUTH + 'presence:\n  redis:\n    dsn: "${PRESENCE_REDIS_DSN}"\n',
        (
            "gatewright.yaml:5:5: presence.redis.dsn: "
            "environment variable PRESENCE_REDIS_DSN is not set"
        ),
    ),
    Row(
        "two for one",
        AUTH + "presence:\n  memory:\n  redis: {dsn: 'redis://cache'}\n",
        "gatewright.yaml:5:3: presence: takes one, found memory and redis; disable one",
    ),
    Row(
        "import failed",
        AUTH + "transports:\n  rabbitmq:\n",
        (
            "gatewright.yaml:4:3: transports.rabbitmq: plugin 'rabbitmq' "
            "(gatewright-transport-rabbitmq 1.0) cannot be imported: "
            "ModuleNotFoundError: No module named 'aio_pikachu'; reinstall it"
        ),
        installed=usual_and(
            "rabbitmq",
            "import aio_pikachu",
            distribution="gatewright-transport-rabbitmq",
            version="1.0",
        ),
    ),
    Row(
        "API of a later major",
        AUTH + "transports:\n  nats:\n",
        (
            "gatewright.yaml:4:3: transports.nats: plugin 'nats' (gatewright-nats 0.9) was built "
            "for hook API 2.0; gatewright 1.4 offers 1.0; "
            "upgrade gatewright, or install gatewright-nats<0.9"
        ),
        installed=usual_and(
            "nats", "GATEWRIGHT_API = (2, 0)", distribution="gatewright-nats", version="0.9"
        ),
    ),
    Row(
        "API of an earlier major",
        AUTH + "transports:\n  nats:\n",
        (
            "gatewright.yaml:4:3: transports.nats: plugin 'nats' (gatewright-nats 0.9) was built "
            "for hook API 0.3; gatewright 1.4 offers 1.0; upgrade gatewright-nats"
        ),
        installed=usual_and(
            "nats", "GATEWRIGHT_API = (0, 3)", distribution="gatewright-nats", version="0.9"
        ),
    ),
    Row(
        "no API stated",
        AUTH + "transports:\n  x:\n",
        (
            "gatewright.yaml:4:3: transports.x: plugin 'x' (x 0.1) states no hook API; "
            "add GATEWRIGHT_API = (1, 0) to its module"
        ),
        installed=usual_and("x", ""),
    ),
    Row(
        "misspelt hook",
        AUTH + "transports:\n  x:\n",
        (
            "gatewright.yaml:4:3: transports.x: plugin 'x' (x 0.1) implements "
            "'gatewright_transports', which is no hook; did you mean 'gatewright_transport'?"
        ),
        installed=usual_and("x", HOOK + "def gatewright_transports(): ..."),
    ),
    Row(
        "hook with an argument",
        AUTH + "transports:\n  x:\n",
        (
            "gatewright.yaml:4:3: transports.x: plugin 'x' (x 0.1) takes 'ctx', "
            "which gatewright_transport does not pass; it passes nothing"
        ),
        installed=usual_and("x", HOOK + "def gatewright_transport(ctx): ..."),
    ),
    Row(
        "async hook",
        AUTH + "transports:\n  x:\n",
        (
            "gatewright.yaml:4:3: transports.x: plugin 'x' (x 0.1): gatewright_transport is "
            "'async def'; hooks are plain functions: put async work in the factory's open()"
        ),
        installed=usual_and("x", HOOK + "async def gatewright_transport(): ..."),
    ),
    Row(
        "name taken twice",
        AUTH + "transports:\n  redis_stream:\n",
        (
            "gatewright.yaml:4:3: transports.redis_stream: two distributions provide transport "
            "'redis_stream': acme-redis 0.2 and gatewright-transport-redis 1.3; uninstall one"
        ),
        installed=usual_twice,
    ),
    Row(
        "disabled but needed",
        AUTH + "transports:\n  redis_stream:\n",
        (
            "gatewright.yaml:4:3: transports.redis_stream: is named here and in "
            "GATEWRIGHT_DISABLE_PLUGINS; remove one"
        ),
        environ={"GATEWRIGHT_DISABLE_PLUGINS": "redis_stream"},
    ),
    Row(
        "slow open",
        AUTH + "server: {bind: '127.0.0.1:0', open_seconds: 0.2}\ntransports:\n  redis_stream:\n",
        (
            "plugin 'redis_stream' (gatewright-transport-redis 1.0) did not open within 0.2 s "
            "(server.open_seconds); last step: reading ca.pem"
        ),
        installed=opening("context.step('reading ca.pem'); await asyncio.sleep(60); yield"),
        by=by_serving,
    ),
    Row(
        "failed open",
        AUTH + "server: {bind: '127.0.0.1:0'}\ntransports:\n  redis_stream:\n",
        (
            "plugin 'redis_stream' (gatewright-transport-redis 1.0) did not open: "
            "FileNotFoundError: [Errno 2] No such file or directory: 'ca.pem'"
        ),
        installed=opening("open('ca.pem'); yield"),
        by=by_serving,
    ),
    Row(
        "opened without what its kind asks for",
        AUTH + "server: {bind: '127.0.0.1:0'}\ntransports:\n  redis_stream:\n",
        (
            "plugin 'redis_stream' (gatewright-transport-redis 1.0): what it opens lacks "
            "'reach' and 'run', which Transport asks for"
        ),
        installed=opening("yield object()"),
        by=by_serving,
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.case)
def test_each_case_is_told_in_one_line(plugin_env: PluginEnv, row: Row) -> None:
    row.installed(plugin_env)

    assert row.by(plugin_env, row) == row.told


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.case)
def test_each_text_keeps_to_the_style(row: Row) -> None:
    assert len(row.told.splitlines()) == 1
    assert "!" not in row.told
    assert "please" not in row.told.lower()
    assert row.told.count(";") <= 2


def test_all_problems_are_told_together(plugin_env: PluginEnv) -> None:
    usual(plugin_env)
    plugin_env.module("broken", HEAD + "1 / 0")
    plugin_env.distribution("broken", "2.0", events={"broken": "broken"})
    file = """\
        auth: {anonymous: , jwt: }
        events: {broken: }
        presence: {redis: {dsn: "${NOT_SET}"}}
        transports: {redis_steam: , redis_stream: {dns: x}}
        """

    told = by_loading(plugin_env, Row("all", file, "")).splitlines()

    assert [line.partition(": ")[2].partition(": ")[0] for line in told] == [
        "auth",
        "events.broken",
        "presence.redis.dsn",
        "transports.redis_steam",
        "transports.redis_stream.dns",
    ]
