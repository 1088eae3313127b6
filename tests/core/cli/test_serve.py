import socket
import subprocess
import sys

import pytest

from gatewright.server import serve as server

GOOD = "auth: {anonymous: {}}\n"


@pytest.fixture
def served(monkeypatch):
    """What would be served, instead of serving it."""
    configs = []

    def serve(config):
        configs.append(config)
        return 7

    monkeypatch.setattr(server, "serve", serve)
    return configs


def test_the_file_is_read_and_the_servers_exit_code_passed_on(gatewright, tmp_path, served):
    (tmp_path / "mine.yaml").write_text(f"{GOOD}server: {{path: /mine}}\n")

    assert gatewright("serve", "-c", "mine.yaml").code == 7
    assert [config.core.server.path for config in served] == ["/mine"]


def test_a_wrong_file_is_not_served(gatewright, tmp_path, served):
    (tmp_path / "gateway.yaml").write_text("auth: {}\nserver: {bnd: 1}\n")

    failed = gatewright("serve")

    assert (failed.code, served) == (2, [])
    assert "gateway.yaml:2:10: server.bnd: unknown option; did you mean 'bind'?" in failed.err


def test_a_port_in_use_is_exit_code_3(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (tmp_path / "gateway.yaml").write_text(f"{GOOD}server: {{bind: '127.0.0.1:{port}'}}\n")

        command = [sys.executable, "-m", "gatewright", "serve"]
        failed = subprocess.run(command, capture_output=True, text=True, check=False)

    assert failed.returncode == 3
    assert f"127.0.0.1:{port}" in failed.stderr
    assert len(failed.stderr.splitlines()) == 1


def test_the_console_page_is_never_served(gatewright, tmp_path):
    text = f"{GOOD}server: {{bind: '127.0.0.1:0'}}\nextensions: {{dev_console: {{}}}}\n"
    (tmp_path / "gateway.yaml").write_text(text)

    failed = gatewright("serve")

    assert failed.code == 3
    assert "dev_console" in failed.err.splitlines()[-1]
