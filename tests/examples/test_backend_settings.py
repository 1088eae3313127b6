"""The example backend's settings, and how it starts and ends."""

from __future__ import annotations

import re
import socket

import pytest
from tests.support.demo_backend import SOURCE, demo_backend, ended

from gatewright_sdk.config.environment import NAMES

pytestmark = pytest.mark.anyio

RIGHT = {"WS_GATEWAY_BASE_URL": "http://127.0.0.1:9", "WS_WEBHOOK_SECRET": "a secret"}


async def test_every_problem_is_told_at_once(tmp_path):
    (tmp_path / "key.pem").write_text("no key")
    code, said = await ended(
        WS_TRANSPORT_TYPE="smoke",
        BACKEND_BIND="9000",
        DEMO_GATEWAY_URLS="ws://good/ws, http://bad/ws",
        DEMO_SIGNING_KEY_FILE=str(tmp_path / "key.pem"),
        DEMO_CLIENT_DIR=str(tmp_path),
    )

    assert code == 2
    lines = said.splitlines()
    assert all(line.startswith("demo backend: ") for line in lines)
    for name in (
        "WS_TRANSPORT_TYPE", "BACKEND_BIND: must be host:port, found '9000'",
        "DEMO_GATEWAY_URLS: must be ws:// or wss://, found 'http://bad/ws'",
        f"DEMO_SIGNING_KEY_FILE: {tmp_path}/key.pem: no private key in PEM",
        f"DEMO_CLIENT_DIR: {tmp_path} has no index.js",
    ):  # fmt: skip
        assert any(name in line for line in lines), said


async def test_a_webhook_needs_a_secret():
    code, said = await ended(WS_GATEWAY_BASE_URL="http://127.0.0.1:9")

    assert (code, "WS_WEBHOOK_SECRET" in said or "secret" in said) == (2, True)
    assert "Traceback" not in said


async def test_a_port_in_use_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, said = await ended(**RIGHT, BACKEND_BIND=address)

    assert code == 3
    assert f"{address}: Address already in use; BACKEND_BIND takes another address" in said


async def test_a_broker_that_refuses_ends_it(redis):
    code, said = await ended(
        **RIGHT,
        BACKEND_BIND="127.0.0.1:0",
        WS_EVENTS_TYPE="redis_stream",
        WS_REDIS_DSN=redis.dsn.replace("redis://", "redis://:hunter2@"),
    )

    assert code == 3
    assert "no events can come" in said
    assert "hunter2" not in said


async def test_sigterm_ends_it_in_good_order():
    async with demo_backend(**RIGHT) as running:
        assert (await running.get("/api/ping")).status_code == 200


def test_the_page_lists_what_can_be_set():
    page = (SOURCE.parent / "README.md").read_text()
    named = set(re.findall(r"`((?:BACKEND|DEMO|WS)_[A-Z_]+)`", page))
    code = "".join(file.read_text() for file in (SOURCE / "demo_backend").glob("*.py"))
    ours = set(re.findall(r"\"((?:BACKEND|DEMO)_[A-Z_]+)\"", code))

    assert {name for name in named if not name.startswith("WS_")} == ours
    assert {name for name in named if name.startswith("WS_")} <= set(NAMES)


def test_the_page_lists_every_route():
    page = (SOURCE.parent / "README.md").read_text()
    code = "".join(file.read_text() for file in (SOURCE / "demo_backend").glob("*.py"))
    routes = {path.partition("{")[0] for path in re.findall(r'Route\("(/api/[^"]+)"', code)}

    assert routes
    assert {path for path in routes if path not in page} == set()
