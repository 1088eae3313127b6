import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.gateway import gateway
from tests.support.receiver import receiver
from tests.support.talking import server

from gatewright.cli.development import authentication
from gatewright.plugin.manager import PluginManager

PING, PONG = '{"type":"ping"}', '{"type":"pong"}'


class Talk:
    """Answers pings, and each message with what ``answer`` makes of it; keeps what it got."""

    def __init__(self, answer=lambda message: []):
        self.answer = answer
        self.got, self.closed = [], None

    def __call__(self, connection):
        self.token = connection.request.headers["Authorization"]
        for message in connection:
            self.got.append(message)
            for frame in [PONG] if message == PING else self.answer(message):
                connection.send(frame)
        self.closed = connection.close_code


@pytest.fixture
def sent(gatewright):
    """Run ``gatewright send`` as the holder of a token."""

    def run(url, *arguments):
        return gatewright("send", "--token", "t", "--url", url, *arguments)

    return run


def test_every_message_is_sent_in_order_then_a_ping_and_it_closes_in_good_order(sent):
    talk = Talk()
    with server(talk) as url:
        done = sent(url, '{"n":1}', "plain text", "ü")

    assert (done.code, done.out, done.err) == (0, "", f"connected to {url}\n")
    assert talk.got == ['{"n":1}', "plain text", "ü", PING]
    assert (talk.token, talk.closed) == ("Bearer t", 1000)


def test_without_arguments_the_lines_of_standard_input_are_sent(sent, keyboard, monkeypatch):
    reading, typed = keyboard
    typed.write(b'{"n":1}\n\nlast')
    typed.close()
    talk = Talk()
    with os.fdopen(os.dup(reading)) as stdin, server(talk) as url:
        monkeypatch.setattr("sys.stdin", stdin)
        assert sent(url).code == 0

    assert talk.got == ['{"n":1}', "", "last", PING]


def test_answers_to_what_was_sent_are_printed_without_being_waited_for(sent):
    with server(Talk(lambda message: [message[::-1]])) as url:
        assert sent(url, "eins", "zwei").out == "snie\niewz\n"


def test_frames_are_waited_for_after_the_gateway_took_everything(sent):
    def talk(connection):
        for message in connection:
            if message == PING:
                connection.send(PONG)
                connection.send("late")
                connection.send("later")

    with server(talk) as url:
        done = sent(url, "x", "--wait", "2")

    assert (done.code, done.out) == (0, "late\nlater\n")


def test_the_pongs_of_its_own_pings_are_answers(sent):
    with server(Talk()) as url:
        done = sent(url, PING, PING, "--wait", "2")

    assert (done.code, done.out) == (0, f"{PONG}\n{PONG}\n")


def test_too_few_answers_in_time_are_one_line(sent):
    with server(Talk(lambda message: ["one"])) as url:
        done = sent(url, "x", "--wait", "2", "--timeout", "0.3")

    assert (done.code, done.out) == (1, "one\n")
    assert done.err.splitlines()[1:] == [
        "gatewright send: 1 of 2 frames came within 0.3 s; --timeout gives more"
    ]


def test_a_gateway_that_does_not_take_the_messages_in_time_is_told(sent):
    def talk(connection):
        for _message in connection:
            pass

    with server(talk) as url:
        done = sent(url, "x", "--timeout", "0.3")

    assert done.code == 1
    assert "the gateway has not confirmed that it took every message within 0.3 s" in done.err


def test_a_connection_that_is_closed_before_is_told_with_its_code(sent):
    def talk(connection):
        connection.recv()
        connection.close(1012, "retry=250")

    with server(talk) as url:
        done = sent(url, "x")

    assert done.code == 1
    assert done.err.splitlines()[1:] == [
        "closed: 1012 (the gateway restarts, retry=250)",
        (
            "gatewright send: the gateway has not confirmed that it took every message "
            "before the connection was closed"
        ),
    ]


def test_it_ends_with_the_connection_while_there_is_still_something_to_read(
    sent, keyboard, monkeypatch
):
    reading, typed = keyboard
    typed.write(b"first\n")

    def talk(connection):
        connection.recv()
        connection.close(1013)

    with os.fdopen(os.dup(reading)) as stdin, server(talk) as url:
        monkeypatch.setattr("sys.stdin", stdin)
        done = sent(url)
        typed.close()

    assert done.code == 1
    assert "closed: 1013 (try again later)" in done.err


def test_nothing_to_send_is_told(sent, monkeypatch):
    talk = Talk()
    with Path(os.devnull).open() as nothing, server(talk) as url:
        monkeypatch.setattr("sys.stdin", nothing)
        first = sent(url)
        monkeypatch.setattr("sys.stdin", None)
        second = sent(url)

    text = "gatewright send: no message; name one, or write one a line to standard input"
    for done in first, second:
        assert (done.code, done.err.splitlines()[1:]) == (2, [text])
    assert talk.got == []


def test_an_argument_that_is_no_utf_8_is_told_before_anything_is_sent(sent):
    done = sent("ws://127.0.0.1:1/ws", "good", "bad\udcff")

    assert done.code == 2
    assert done.err == "gatewright send: message 2 is not UTF-8; a gateway takes text alone\n"


def test_a_line_that_is_no_utf_8_is_told_with_its_number(sent, keyboard, monkeypatch):
    reading, typed = keyboard
    typed.write(b"good\nb\xff\n")
    typed.close()
    with os.fdopen(os.dup(reading)) as stdin, server(Talk()) as url:
        monkeypatch.setattr("sys.stdin", stdin)
        done = sent(url)

    assert done.code == 2
    assert "gatewright send: line 2 of standard input is not UTF-8" in done.err


@pytest.mark.parametrize("arguments", [[], ["--user", "42", "--token", "t"]])
def test_either_a_user_or_a_token(gatewright, arguments):
    refused = gatewright("send", "x", *arguments)

    assert refused.code == 2
    assert refused.err == "gatewright send: needs either --user or --token\n"


def test_nobody_there_is_one_line(sent):
    refused = sent("ws://127.0.0.1:1/ws", "x")

    assert refused.code == 1
    assert refused.err.startswith("gatewright send: ws://127.0.0.1:1/ws: no gateway answers: ")


@pytest.mark.parametrize(
    ("option", "value"), [("--wait", "-1"), ("--timeout", "0"), ("--wait", "many")]
)
def test_a_number_that_makes_no_sense_is_told(sent, option, value):
    refused = sent("ws://127.0.0.1:1/ws", "x", option, value)

    assert refused.code == 2
    assert option in refused.err


def test_a_user_gets_a_token_of_the_development_gateway(gatewright, tmp_path):
    authentication(PluginManager(), tmp_path)
    talk = Talk()
    with server(talk) as url:
        done = gatewright("send", "x", "--user", "42", "--url", url, "--state-dir", str(tmp_path))

    assert done.code == 0
    assert talk.token.count(".") == 2


async def finished(*arguments):
    """Run the command as a process of its own."""
    command = [sys.executable, "-m", "gatewright", *arguments]
    return await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=False, timeout=30
    )


@pytest.mark.anyio
async def test_a_real_gateway_hands_every_message_over_and_answers(tmp_path):
    async with receiver() as backend:
        sections = f'events: {{webhook: {{url: "{backend.url}"}}}}\n'
        async with gateway(tmp_path, sections) as served:
            done = await finished(
                "send", "--token", "42", "--url", served.url, '{"n":1}', PING, "text", "-w", "1"
            )
            assert (done.returncode, done.stdout) == (0, f"{PONG}\n"), done.stderr
        events = await backend.events(4)
    assert [each["type"] for each in events] == [
        "connected",
        "message_received",
        "message_received",
        "disconnected",
    ]
    assert [each["raw"] for each in events[1:3]] == ['{"n":1}', "text"]


@pytest.mark.anyio
async def test_a_real_gateway_that_refuses_the_token_is_told(tmp_path):
    sections = (
        'auth: {jwt: {algorithms: [HS256], public_key: "a secret that is long enough to be"}}\n'
    )
    async with gateway(tmp_path, sections) as served:
        done = await finished("send", "--token", "wrong", "--url", served.url, "x")
    assert done.returncode == 1
    assert "closed: 4401 (the token was refused" in done.stderr
