"""``gatewright dev`` and ``gatewright listen`` as processes: what is printed really works."""

from __future__ import annotations

import shlex
import socket
import subprocess
import sys

import httpx
import pytest
from tests.support.development import development
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with development(tmp_path_factory.mktemp("dev")) as started:
        yield started


def listen(running, *arguments):
    """Start the command that is printed, with further arguments."""
    (line,) = running.after("listen")
    command = [sys.executable, "-m", *shlex.split(line), *arguments]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def publish(running):
    """Do what the printed curl does; return the answer."""
    words = shlex.split(" ".join(running.after("publish")).replace("\\", ""))
    name, _, value = words[3].partition(": ")
    answer = httpx.post(words[1], headers={name: value}, content=words[5], trust_env=False)
    return answer.raise_for_status().json()


def test_the_printed_token_is_taken(running):
    (token,) = running.after("token of user")
    url = running.url.replace("http", "ws", 1)

    with connect(f"{url}/ws?token={token}") as client:
        client.send('{"type":"ping"}')
        assert client.recv(10) == '{"type":"pong"}'


def test_what_the_printed_curl_publishes_is_heard_by_the_printed_listen(running):
    with listen(running, "--count", "2") as heard:
        assert heard.stderr.readline().startswith("connected to ")
        heard.stdin.write('{"type":"heartbeat"}\n')
        heard.stdin.flush()
        assert heard.stdout.readline() == '{"type":"heartbeat_ack"}\n'
        assert publish(running) == {"sent": 1}
        assert heard.stdout.readline() == '{"type":"event","payload":{"hello":"world"}}\n'
        assert heard.wait(10) == 0


def test_the_keys_are_for_their_owner_alone(running):
    files = [path for path in running.state.rglob("*") if path.is_file()]
    modes = {path.name: path.stat().st_mode & 0o777 for path in files}

    assert modes["dev-api-key"] == 0o600
    assert modes["dev_private.pem"] == 0o600


def test_another_website_gets_no_token(running):
    answer = httpx.post(
        f"{running.url}/console/token",
        json={"user_id": "42"},
        headers={"Origin": "http://evil.example"},
        trust_env=False,
    )
    rebound = httpx.get(running.url, headers={"Host": "evil.example"}, trust_env=False)

    assert (answer.status_code, rebound.status_code) == (403, 403)


def test_ctrl_c_ends_it_at_once_with_clients_and_a_watcher_connected(tmp_path):
    with development(tmp_path) as started:
        (token,) = started.after("token of user")
        host, _, port = started.url.removeprefix("http://").rpartition(":")
        watching = socket.create_connection((host, int(port)), timeout=10)
        watching.sendall(b"GET /console/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"text/event-stream" in watching.recv(4096)
        with (
            watching,
            connect(f"{started.url.replace('http', 'ws', 1)}/ws?token={token}") as client,
        ):
            started.interrupt()
            with pytest.raises(ConnectionClosed) as closed:
                client.recv(10)
            assert closed.value.rcvd.code == 1012
            assert started.exited(5) == 0
        assert "Traceback" not in "".join(started.logs)
