import json
import shlex
import socket

import pytest

from gatewright.cli.dev import curl, is_local, page_url


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("127.0.0.1:8180", "http://127.0.0.1:8180"),
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("[::]:8180", "http://[::1]:8180"),
        ("[::1]:8180", "http://[::1]:8180"),
        ("box.lan:8180", "http://box.lan:8180"),
    ],
)
def test_the_page_is_where_a_browser_of_this_machine_finds_it(address, url):
    assert page_url(address) == url


def test_the_curl_can_be_copied_into_a_shell():
    words = shlex.split(curl("http://127.0.0.1:8180", "it's a key").replace("\\\n", ""))

    assert words[:4] == [
        "curl",
        "http://127.0.0.1:8180/internal/publish",
        "-H",
        "X-Api-Key: it's a key",
    ]
    assert json.loads(words[5]) == {"subjects": ["user:42"], "payload": {"hello": "world"}}


@pytest.mark.parametrize(
    ("family", "host", "shown"),
    [(socket.AF_INET, "127.0.0.1", "127.0.0.1"), (socket.AF_INET6, "::1", "[::1]")],
)
def test_an_address_that_is_taken_is_said_before_anything_is_made(
    gatewright, tmp_path, family, host, shown
):
    with socket.create_server((host, 0), family=family) as other:
        address = f"{shown}:{other.getsockname()[1]}"
        refused = gatewright("dev", "--bind", address)

    assert (refused.code, refused.out) == (3, "")
    assert refused.err == (
        f"gatewright dev: {address}: address already in use; is another gateway running? "
        "--bind HOST:PORT takes another\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("bind", "local"),
    [
        ("127.0.0.1:8180", True),
        ("127.9.9.9:80", True),
        ("[::1]:8180", True),
        ("localhost:8180", True),
        ("unix:/run/gateway.sock", True),
        ("0.0.0.0:8180", False),
        ("[::]:8180", False),
        (":8180", False),
        ("box.lan:8180", False),
    ],
)
def test_what_more_than_this_machine_reaches_is_told_apart(bind, local):
    assert is_local(bind) is local


@pytest.mark.parametrize(("bind", "warned"), [("0.0.0.0:0", True), ("127.0.0.1:0", False)])
def test_tokens_for_everybody_come_with_a_warning(gatewright, monkeypatch, tmp_path, bind, warned):
    monkeypatch.setattr("gatewright.server.serve.serve", lambda *_, **__: 0)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))

    started = gatewright("dev", "--bind", bind)

    text = f"warning: whoever reaches {bind} is given tokens, and may publish\n"
    assert started.code == 0
    assert started.err == (text if warned else "")
