"""The sink that shows events in a terminal."""

import io
import os
import subprocess
import sys
import threading

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from gatewright import Done, Event, Retry
from gatewright.builtin.console_events import ConsoleSettings, ConsoleSink, gatewright_events

pytestmark = pytest.mark.anyio


class Terminal(io.StringIO):
    def isatty(self):
        return True


def event(kind="message_received", *, body=b"{}", user="42", reason=None) -> Event:
    return Event(kind, "e1", 7, "0123456789ab", user, body, 1_700_000_000.0, reason)


def message(raw: str) -> bytes:
    return b'{"type":"message_received","message":{},"raw":%b}' % raw.encode()


async def test_an_event_is_one_line_with_who_and_when() -> None:
    stream = io.StringIO()
    outcomes = await ConsoleSink(stream).send([event("connected"), event("disconnected")])

    assert outcomes == [Done(), Done()]
    first, second = stream.getvalue().splitlines()
    assert first[8:] == " + connected        user 42  01234567 #7"
    assert second[8:] == " - disconnected     user 42  01234567 #7"


async def test_a_message_shows_the_text_as_it_was_sent() -> None:
    line = ConsoleSink(io.StringIO()).line(event(body=message(r'"{\"a\": \"ä\"}"')))

    assert line.endswith('#7  {"a": "ä"}')


async def test_a_reason_beside_the_body_is_shown() -> None:
    line = ConsoleSink(io.StringIO()).line(event("disconnected", reason="node_lost"))

    assert line.endswith("#7  (node_lost)")


async def test_control_characters_never_reach_the_terminal() -> None:
    sink = ConsoleSink(io.StringIO())
    line = sink.line(event(user="\x1b[2Jevil\n\u202e", body=message(r'"\u001b]0;x\u0007\r\n"')))

    assert line.isprintable()
    assert r"\x1b[2Jevil\n\u202e" in line
    assert r"\x1b]0;x\x07\r\n" in line


async def test_long_messages_are_cut() -> None:
    line = ConsoleSink(io.StringIO(), width=10).line(event(body=message('"%s"' % ("x" * 50))))

    assert line.endswith("#7  " + "x" * 10 + "…")


async def test_colour_is_for_terminals_only(monkeypatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in ConsoleSink(Terminal()).line(event())
    assert "\x1b[" not in ConsoleSink(io.StringIO()).line(event())

    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in ConsoleSink(Terminal()).line(event())


async def test_a_stream_that_cannot_write_every_character_gets_them_escaped() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    await ConsoleSink(stream).send([event(user="Jörg")])

    assert rb"user J\xf6rg" in raw.getvalue()


async def test_a_terminal_that_is_held_up_does_not_hold_up_the_loop() -> None:
    held = threading.Event()

    class Held(io.StringIO):
        def write(self, text):
            held.wait(10)
            return super().write(text)

    stream = Held()
    async with anyio.create_task_group() as group:
        group.start_soon(ConsoleSink(stream).send, [event()])
        await anyio.lowlevel.checkpoint()
        assert stream.getvalue() == ""
        held.set()

    assert stream.getvalue()


@pytest.fixture
def pipe():
    """A pipe that nobody reads yet, and a stream into it."""
    reading, writing = os.pipe()
    with open(reading, "rb") as source, open(writing, "w", encoding="utf-8") as stream:  # noqa: PTH123
        yield source, stream


async def test_however_long_it_is_held_up_one_thread_waits_and_nothing_is_lost(pipe) -> None:
    source, stream = pipe
    sink = ConsoleSink(stream, width=10**6)
    large = event(body=message(f'"{"x" * 300_000}"'))
    before = set(threading.enumerate())
    with anyio.move_on_after(0.05) as cut_off:
        await sink.send([large])
    assert cut_off.cancelled_caught

    assert [await sink.send([event(), event()]) for _ in range(10)] == [
        [Retry("the terminal is held up")] * 2
    ] * 10
    assert len(set(threading.enumerate()) - before) == 1  # others of the process may end

    line = await anyio.to_thread.run_sync(source.readline)
    assert line.endswith(b"x" * 300_000 + b"\n")
    with anyio.fail_after(5):
        while await sink.send([event("connected")]) != [Done()]:
            await anyio.lowlevel.checkpoint()
    assert b" + connected " in await anyio.to_thread.run_sync(source.readline)


async def test_what_the_stream_says_is_raised_where_it_is_waited_for(pipe) -> None:
    source, stream = pipe
    source.close()

    with pytest.raises(BrokenPipeError):
        await ConsoleSink(stream).send([event()])
    with pytest.raises(BrokenPipeError):
        await ConsoleSink(stream).send([event()])


def test_a_process_ends_though_its_output_is_held_up(pipe) -> None:
    _, stream = pipe
    code = """if True:
        import anyio
        from gatewright import Event
        from gatewright.builtin.console_events import ConsoleSink

        async def main():
            with anyio.move_on_after(0.1):
                await ConsoleSink().send([Event("connected", "e", 1, "c", "u" * 300_000, b"", 0)])

        anyio.run(main)
    """
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=stream, stderr=subprocess.PIPE, timeout=20, check=False
    )

    assert (done.returncode, done.stderr) == (0, b"")


async def test_it_is_declared_as_an_event_sink(capsys) -> None:
    factory = gatewright_events()
    async with factory.open(ConsoleSettings(width=3), None) as sink:
        await sink.send([event(body=message('"abcdef"'))])

    assert capsys.readouterr().out.endswith("abc…\n")
