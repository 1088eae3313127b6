"""The event sink for people: one line per event in the terminal."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from threading import Thread
from typing import Annotated, Final, TextIO

import anyio
import msgspec
from pydantic import Field, PositiveInt

from gatewright import (
    Done,
    Event,
    EventSink,
    Factory,
    Outcome,
    PluginContext,
    Retry,
    SinkSettings,
    hookimpl,
)

__all__ = ["GATEWRIGHT_API", "ConsoleSettings", "ConsoleSink", "gatewright_events"]

GATEWRIGHT_API: Final = (1, 0)

_DONE: Final = Done()
_HELD_UP: Final = Retry("the terminal is held up")
_LOOKS: Final = {
    "connected": ("+", "\x1b[32m"),
    "disconnected": ("-", "\x1b[31m"),
    "message_received": (">", "\x1b[36m"),
}
_DIM: Final = "\x1b[2m"
_BOLD: Final = "\x1b[1m"
_RESET: Final = "\x1b[0m"
_WIDTH: Final = max(map(len, _LOOKS))


class ConsoleSettings(SinkSettings):
    """``events.console``: events as lines on standard output."""

    concurrency: Annotated[PositiveInt, Field(description="Attempts under way at once.")] = 1
    batch: Annotated[PositiveInt, Field(description="Events handed over in one attempt.")] = 64
    width: Annotated[
        PositiveInt, Field(description="Characters of a message shown; the rest is cut off.")
    ] = 200


class _Raw(msgspec.Struct):
    """The part of a body that is shown."""

    raw: str = ""


class ConsoleSink:
    """Writes a line per event; in colour where the stream is a terminal and NO_COLOR is not set.

    Each batch is written in a thread: a terminal that is held up, or a pipe that nobody reads,
    never holds the gateway up. It is a daemon, and passes the stream's buffer by where it can, so
    that the gateway's end waits neither for the thread nor for the buffer's lock.
    """

    def __init__(self, stream: TextIO | None = None, *, width: int = 200) -> None:
        self._stream = stream or sys.stdout
        self._descriptor = _descriptor_of(self._stream)
        self._width = width
        self._colour = self._stream.isatty() and not os.environ.get("NO_COLOR")
        self._raw = msgspec.json.Decoder(_Raw)
        self._turn = anyio.Lock()
        self._writing = False

    async def send(self, batch: Sequence[Event]) -> Sequence[Outcome]:
        """Write the batch. Being cancelled leaves it to the thread to end.

        Until it has, nothing else is written, and later batches may be tried again.
        """
        text = "".join(f"{self.line(event)}\n" for event in batch)
        async with self._turn:
            if self._writing:
                return [_HELD_UP] * len(batch)
            await self._start_writing(text)
        return [_DONE] * len(batch)

    def line(self, event: Event) -> str:
        """Return the line of an event, without a line end; control characters are escaped."""
        sign, colour = _LOOKS[event.type]
        clock = time.strftime("%H:%M:%S", time.localtime(event.occurred_at))
        kind = f"{sign} {event.type:<{_WIDTH}}"
        user = _printable(event.user_id)
        origin = f"{_printable(event.connection_id[:8])} #{event.seq}"
        text = self._text(event)
        if not self._colour:
            return f"{clock} {kind} user {user}  {origin}{text and '  ' + text}"
        return (
            f"{_DIM}{clock}{_RESET} {colour}{kind}{_RESET} user {_BOLD}{user}{_RESET}"
            f"  {_DIM}{origin}{_RESET}{text and '  ' + text}"
        )

    def _text(self, event: Event) -> str:
        """Return what is worth showing beside who and when."""
        if event.type != "message_received":
            return "" if event.reason is None else f"({_printable(event.reason)})"
        try:
            raw = self._raw.decode(event.body).raw
        except msgspec.DecodeError:
            raw = event.body.decode(errors="replace")
        cut = raw[: self._width]
        return _printable(cut) + ("…" if len(cut) < len(raw) else "")

    def _start_writing(self, text: str) -> asyncio.Future[None]:
        """Have a thread write ``text``; the future is done once it has."""
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()

        def end(error: Exception | None) -> None:
            self._writing = False
            if written.cancelled():
                return
            if error is None:
                written.set_result(None)
            else:
                written.set_exception(error)

        def write() -> None:
            error = None
            try:
                self._write(text)
            except Exception as raised:  # noqa: BLE001 - raised where it is waited for
                error = raised
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(end, error)

        Thread(target=write, name="console events", daemon=True).start()
        self._writing = True
        return written

    def _write(self, text: str) -> None:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        data = text.encode(encoding, "backslashreplace")
        if self._descriptor is None:
            self._stream.write(data.decode(encoding))
            self._stream.flush()
            return
        while data:
            data = data[os.write(self._descriptor, data) :]


def _descriptor_of(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (AttributeError, OSError, ValueError):  # a stream in memory has none
        return None


def _printable(text: str) -> str:
    """Escape what is not printable: control characters, line ends, direction marks."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


@asynccontextmanager
async def _open(settings: ConsoleSettings, context: PluginContext) -> AsyncIterator[ConsoleSink]:  # noqa: ARG001 - what every factory gets
    yield ConsoleSink(width=settings.width)


@hookimpl
def gatewright_events() -> Factory[ConsoleSettings, EventSink]:
    """Declare the sink that shows events in the terminal."""
    return Factory(settings=ConsoleSettings, open=_open, summary="events as lines in the terminal")
