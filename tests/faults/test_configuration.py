"""Mistakes of the operator: row 46. All of them at once, and nothing half-started."""

from __future__ import annotations

import socket

import pytest
from tests.support.gateway import config_text
from tests.support.made import ended

pytestmark = pytest.mark.anyio

BAD = """
sever: {}
server: {bind: '127.0.0.1:0', drain_second: 3, tls: {certificate: a.pem}}
limits: {message_bytes: -1, connections: canary-value}
auth:
  jwt: {algorithms: [HS256, none], public_key: '${CANARY_VARIABLE}', leeway: '${UNSET_VARIABLE}'}
transports:
  http: {api_keys: ['${CANARY_VARIABLE}'], unknown: 1}
  redis_steam: {}
  broken: {}
events:
  webhook: {url: 'ftp://canary:canary@example.com', attempts: many}
"""
TOLD = [
    "sever: unknown section; did you mean 'server'?",
    "server.drain_second: unknown option; did you mean 'drain_seconds'?",
    "server.tls.key: ",
    "limits.message_bytes: must be greater than 0",
    "limits.connections: must be a whole number",
    "auth.jwt.algorithms[1]: ",
    "auth.jwt.leeway: environment variable UNSET_VARIABLE is not set",
    "transports.http.unknown: unknown option",
    "transports.redis_steam: no transport named 'redis_steam'",
    "transports.broken: plugin 'broken' (acme-broken 1.0) cannot be imported: ModuleNotFoundError",
    "events.webhook.url: ",
    "events.webhook.attempts: ",
]


async def test_every_mistake_is_told_at_once_and_the_same_by_both_commands(
    tmp_path, made, monkeypatch
):
    monkeypatch.setenv("CANARY_VARIABLE", "canary-secret")
    made.module("broken", "import nothing_of_this_name\n")
    made.distribution("broken", "transport", "broken")
    code, output = await ended(tmp_path, BAD, made)
    lines = output.splitlines()
    for problem in TOLD:
        found = [line for line in lines if f": {problem}" in line]
        assert found, f"{problem}\n{output}"
        assert all(line.startswith(f"{tmp_path}/gateway.yaml:") for line in found)
    assert code == 2
    assert "canary" not in output
    assert "Traceback" not in output
    assert await ended(tmp_path, BAD, made, command="check") == (2, output)
    assert not (tmp_path / "state").exists()


async def test_what_the_machine_lacks_is_named_and_exits_with_3(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        text = config_text(f"server: {{bind: '{address}'}}")
        code, output = await ended(tmp_path, text)
    assert code == 3
    assert f"server.bind: cannot bind {address}: address already in use" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ("auth: {jwt: {public_key_file: spoilt.pem}}", "spoilt.pem"),
        (
            "server: {bind: '127.0.0.1:0', tls: {certificate: spoilt.pem, key: spoilt.pem}}",
            "server.tls: cannot use spoilt.pem",
        ),
    ],
)
async def test_a_file_that_is_no_good_is_named_and_exits_with_3(tmp_path, section, problem):
    (tmp_path / "spoilt.pem").write_text("canary, and no key")
    code, output = await ended(tmp_path, config_text(section))
    assert code == 3
    assert problem in output.splitlines()[-1]
    assert "canary" not in output
    assert "Traceback" not in output
