"""The command: what it prints and what it exits with."""

import asyncio
import json

import pytest
from tests.support.gateway import gateway

from gatewright.testing.ports import free_port

GOOD = "auth: {anonymous: {}}\nserver: {bind: '127.0.0.1:0'}\n"
WARNED = GOOD + "keepalive: {interval_seconds: 0}\n"
WRONG = GOOD + "limits: {connections: 2000000000}\n"


def write(folder, text):
    (folder / "gateway.yaml").write_text(text)


def findings(result):
    return {(each["part"], each["check"]): each for each in json.loads(result.out)["findings"]}


def test_all_is_well(gatewright, tmp_path):
    write(tmp_path, GOOD)

    seen = gatewright("doctor")

    assert (seen.code, seen.err) == (0, "")
    assert seen.out.splitlines()[0].split() == ["status", "part", "check", "found"]
    assert seen.out.splitlines()[-1] == "gateway.yaml: ok, 8 checks"


def test_a_configuration_with_problems_is_2_and_nothing_is_looked_at(gatewright, tmp_path):
    write(tmp_path, "auth: {anonymos: {}}")

    seen = gatewright("doctor")

    assert (seen.code, seen.out) == (2, "")
    assert seen.err.startswith("gateway.yaml:1:8: auth.anonymos: no auth named 'anonymos'")


@pytest.mark.parametrize(
    ("text", "arguments", "code", "last"),
    [
        (WARNED, (), 0, "gateway.yaml: 1 warning"),
        (WARNED, ("--strict",), 1, "gateway.yaml: 1 warning"),
        (WRONG, (), 1, "gateway.yaml: 1 error"),
        (WRONG + WARNED.removeprefix(GOOD), (), 1, "gateway.yaml: 1 error, 1 warning"),
        (GOOD, ("--strict",), 0, "gateway.yaml: ok, 8 checks"),
    ],
)
def test_the_exit_code_says_whether_an_error_was_found(
    gatewright, tmp_path, text, arguments, code, last
):
    write(tmp_path, text)

    seen = gatewright("doctor", *arguments)

    assert (seen.code, seen.out.splitlines()[-1]) == (code, last)


def test_each_finding_that_asks_for_something_has_its_fix_below_it(gatewright, tmp_path):
    write(tmp_path, WARNED)

    lines = [line.strip() for line in gatewright("doctor").out.splitlines()]

    (at,) = [number for number, line in enumerate(lines) if line.startswith("warning")]
    assert lines[at].endswith("no pings: clients that went away silently are never noticed")
    assert lines[at + 1] == "fix: set keepalive.interval_seconds: 25"


def test_json_is_for_programs(gatewright, tmp_path):
    write(tmp_path, WARNED)

    seen = gatewright("doctor", "--json")

    told = json.loads(seen.out)
    assert (told["file"], told["ok"], told["errors"], told["warnings"]) == (
        "gateway.yaml",
        True,
        0,
        1,
    )
    assert findings(seen)["core", "keepalive"] == {
        "part": "core",
        "status": "warning",
        "check": "keepalive",
        "found": "no pings: clients that went away silently are never noticed",
        "fix": "set keepalive.interval_seconds: 25",
    }
    assert "auth.anonymous" in told["unexamined"]


def test_looking_makes_nothing(gatewright, tmp_path):
    write(tmp_path, GOOD)

    assert gatewright("doctor").code == 0

    assert [path.name for path in tmp_path.iterdir()] == ["gateway.yaml"]


@pytest.mark.anyio
async def test_beside_a_running_gateway_its_ports_are_its_own(gatewright, tmp_path):
    port = free_port()
    server = f'server: {{bind: "127.0.0.1:{port}", node_id: gw-1}}'
    async with gateway(tmp_path, server):
        seen = await asyncio.to_thread(gatewright, "doctor", "--json")

    assert findings(seen)["core", "server.bind"]["found"] == (
        f"127.0.0.1:{port} is held by a running gateway, node gw-1"
    )
