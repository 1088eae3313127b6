import os
from contextlib import suppress
from pathlib import Path

import pytest
from tests.support.talking import server
from websockets.exceptions import ConnectionClosed

from gatewright.cli import conversation
from gatewright.cli.client import Client
from gatewright.cli.connecting import NotConnected
from gatewright.cli.conversation import Conversation
from gatewright.cli.development import authentication
from gatewright.plugin.manager import PluginManager


def hold(url, *, token="t", count=None, source=None, key=None):
    with Path(os.devnull).open() as nothing:
        client = Client("gatewright listen", url, token, key)
        return Conversation(client, count, nothing.fileno() if source is None else source).hold()


def test_frames_are_printed_one_a_line_and_the_close_beside_them(capsys):
    def talk(connection):
        connection.send('{"a":1}')
        connection.send("ü")
        connection.close(1012, "retry=250")

    with server(talk) as url:
        assert hold(url) == 1

    captured = capsys.readouterr()
    assert captured.out == '{"a":1}\nü\n'
    assert captured.err == f"connected to {url}\nclosed: 1012 (the gateway restarts, retry=250)\n"


@pytest.mark.parametrize(
    ("code", "text", "exit_code"),
    [
        (1000, "closed: 1000", 0),
        (1001, "closed: 1001", 0),
        (4401, "closed: 4401 (the token was refused)", 1),
        (4008, "closed: 4008 (read too slowly)", 1),
        (3333, "closed: 3333", 1),
    ],
)
def test_how_it_was_closed_decides_the_exit_code(capsys, code, text, exit_code):
    with server(lambda connection: connection.close(code)) as url:
        assert hold(url) == exit_code

    assert capsys.readouterr().err.splitlines()[1] == text


@pytest.mark.parametrize(("code", "told"), [(4401, True), (4008, False)])
def test_a_refused_token_names_the_key_that_signed_it(capsys, code, told):
    with server(lambda connection: connection.close(code)) as url:
        hold(url, key=Path("var", "keys", "dev_private.pem"))

    text = "signed with var/keys/dev_private.pem; was the gateway started in another directory?"
    assert (text in capsys.readouterr().err.splitlines()) is told


def test_a_connection_that_is_cut_is_1006(capsys):
    with server(lambda connection: connection.socket.close()) as url:
        assert hold(url) == 1

    assert "closed: 1006 (the connection was lost)" in capsys.readouterr().err


def test_lines_that_are_typed_are_sent_the_last_one_without_an_end_too(capsys, keyboard):
    reading, typed = keyboard

    def talk(connection):
        for message in connection:
            connection.send(message[::-1])

    typed.write("eins\nüb".encode())
    typed.write(b"er\n\nlast")
    typed.close()
    with server(talk) as url:
        assert hold(url, source=reading, count=4) == 0

    assert capsys.readouterr().out == "snie\nrebü\n\ntsal\n"


def test_the_token_travels_in_the_header_alone():
    seen = []

    def talk(connection):
        seen.append((connection.request.path, connection.request.headers["Authorization"]))
        connection.close()

    with server(talk) as url:
        hold(url, token="secret")

    assert seen == [("/ws", "Bearer secret")]


def test_a_count_ends_it_in_good_order(capsys):
    def talk(connection):
        with suppress(ConnectionClosed):
            for number in range(10):
                connection.send(str(number))
            connection.recv()

    with server(talk) as url:
        assert hold(url, count=3) == 0

    assert capsys.readouterr().out == "0\n1\n2\n"


def test_nobody_there_is_one_line():
    with pytest.raises(NotConnected) as refused:
        hold("ws://127.0.0.1:1/ws")

    assert str(refused.value) == (
        "gatewright listen: ws://127.0.0.1:1/ws: no gateway answers: ConnectionRefusedError; "
        "start one, or name it with --url"
    )
    assert refused.value.exit_code == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1/ws", "nonsense", "ws://"])
def test_what_is_no_address_is_said(url):
    with pytest.raises(NotConnected, match="is no address like ws://"):
        hold(url)


def test_an_http_answer_is_said_with_its_status():
    def refuse(connection, request):
        return connection.respond(404, "not here")

    with (
        server(lambda connection: None, process_request=refuse) as url,
        pytest.raises(NotConnected, match="answered HTTP 404 instead of opening a WebSocket"),
    ):
        hold(url)


@pytest.mark.parametrize("arguments", [[], ["--user", "42", "--token", "t"]])
def test_either_a_user_or_a_token(gatewright, arguments):
    refused = gatewright("listen", *arguments)

    assert refused.code == 2
    assert refused.err == "gatewright listen: needs either --user or --token\n"


def test_a_user_gets_a_token_of_the_development_gateway(gatewright, monkeypatch, tmp_path):
    tokens, keys = [], []

    def holding(self):
        tokens.append(self._client.token)
        keys.append(self._client.key)
        return 0

    authentication(PluginManager(), tmp_path)
    files = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in tmp_path.rglob("*")}

    monkeypatch.setattr(conversation.Conversation, "hold", holding)
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        assert gatewright("listen", "--user", "42", "--state-dir", str(tmp_path)).code == 0
        monkeypatch.setattr("sys.stdin", None)
        assert gatewright("listen", "--token", "mine").code == 0
    assert tokens[0].count(".") == 2
    assert tokens[1] == "mine"
    assert keys == [tmp_path / "keys" / "dev_private.pem", None]
    assert keys[0].exists()
    assert files == {
        path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in tmp_path.rglob("*")
    }


def test_without_a_key_there_is_one_line_and_no_key_is_made(gatewright, tmp_path):
    refused = gatewright("listen", "--user", "42")

    assert (refused.code, refused.out) == (1, "")
    assert refused.err == (
        "var/keys/dev_private.pem: no such key; start 'gatewright dev' once, which makes it, "
        "or name its folder with --state-dir\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_bad_user_id_is_refused(gatewright):
    refused = gatewright("listen", "--user", "a\nb")

    assert refused.code == 2
    assert "--user: must be 1 to 512 bytes" in refused.err
