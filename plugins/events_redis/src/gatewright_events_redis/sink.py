"""The event sink: one round trip per batch, an outcome per event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Final

import anyio
from redis.exceptions import RedisError

from gatewright import Clock, Done, Event, EventType, Health, Outcome, Reject, Retry
from gatewright_events_redis.writing import Command, Writer
from gatewright_redis_kit import UNAVAILABLE, AnyRedis, Cancellation, describe

__all__ = ["StreamSink"]

_DONE: Final = Done()
_LOOK_SECONDS: Final = 5.0
_REFUSED_SECONDS: Final = 15.0
"""How long a refusal counts that no later event disproved: a full Redis answers questions well."""


class StreamSink:
    """Adds events to streams.

    Args:
        client: Asks Redis how it is.
        writer: Writes; never repeats a command by itself, for what timed out may be stored.
        stream: Where events go.
        streams: Where those of some types go instead.
        max_length: About so many entries are kept, or ``None`` for all.
        shown: How the Redis is named in health.
        clock: The time.
    """

    __slots__ = (
        "_arguments",
        "_checked_at",
        "_client",
        "_clock",
        "_refused_at",
        "_shown",
        "_trouble",
        "_write",
    )

    def __init__(
        self,
        client: AnyRedis,
        writer: Writer,
        *,
        stream: str,
        streams: Mapping[EventType, str],
        max_length: int | None,
        shown: str,
        clock: Clock,
    ) -> None:
        cap = () if max_length is None else ("MAXLEN", "~", str(max_length))
        kinds: tuple[EventType, ...] = ("connected", "message_received", "disconnected")
        self._arguments = {
            kind: ("XADD", streams.get(kind, stream), *cap, "*", b"data") for kind in kinds
        }
        self._client = client
        self._write = writer.write
        self._shown = shown
        self._clock = clock
        self._trouble = "not asked yet"
        self._checked_at = 0.0
        self._refused_at = -inf

    async def send(self, batch: Sequence[Event]) -> Sequence[Outcome]:
        """Add each event once, in one round trip, and say what became of it.

        Being cancelled leaves open whether any was stored. Safe from many tasks.
        """
        try:
            answers = await self._write([self._command(event) for event in batch])
        except UNAVAILABLE as error:
            self._trouble = describe(error)
            return [Retry(self._trouble)] * len(batch)
        self._trouble = ""
        self._checked_at = self._clock.monotonic()
        return [_DONE if type(answer) is bytes else self._refused(answer) for answer in answers]

    async def run(self) -> None:
        """Ask Redis how it is, for ``/ready``, whenever no event has shown it lately."""
        cancellation = Cancellation()
        while True:
            if self._clock.monotonic() - self._checked_at >= _LOOK_SECONDS or self._trouble:
                await self._look()
                cancellation.check()
            await anyio.sleep(1.0 if self._trouble else _LOOK_SECONDS)

    def health(self) -> Health:
        """Tell whether Redis took the last event or answered the last question."""
        detail = f"{self._shown}: {self._trouble}" if self._trouble else ""
        return Health(not self._trouble, detail, {"redis": self._shown})

    def _command(self, event: Event) -> Command:
        start = self._arguments[event.type]
        if event.reason is None and event.seq:  # nearly every event
            return (*start, event.body, b"id", event.id, b"seq", event.seq)
        seq: Command = (b"seq", event.seq) if event.seq else ()
        reason: Command = () if event.reason is None else (b"reason", event.reason)
        return (*start, event.body, b"id", event.id, *seq, *reason)

    def _refused(self, answer: object) -> Outcome:
        """Judge an answer that is no entry's id."""
        error = answer if isinstance(answer, RedisError) else RedisError("answered strangely")
        text = describe(error)
        if "WRONGTYPE" in text:
            return Reject("the stream's key holds something else")
        self._trouble = text
        self._refused_at = self._clock.monotonic()
        return Retry(text)

    async def _look(self) -> None:
        try:
            await self._client.execute_command("PING")
        except UNAVAILABLE as error:
            self._trouble = describe(error)
        else:
            self._checked_at = self._clock.monotonic()
            if self._checked_at - self._refused_at >= _REFUSED_SECONDS:
                self._trouble = ""
