"""A capped stream as the way between nodes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final

import anyio.lowlevel
from redis.exceptions import RedisError

from gatewright_bus_kit import Receive
from gatewright_redis_kit import UNAVAILABLE, AnyRedis, Entry, StreamReader, describe

__all__ = ["StreamLink"]

_FIELD: Final = b"m"
_TURN_SECONDS: Final = 0.005

Gap = Callable[[str, int], None]


class StreamLink:
    """Writes in pipelines, reads by cursor. The cursor outlives every `read`.

    Args:
        reader: The cursor, with a client of its own.
        commands: Writes; never repeats a command by itself.
        stream: The stream's key.
        max_length: About so many entries are kept.
        gap: Told what was lost to this node, and how often.
    """

    def __init__(
        self, reader: StreamReader, commands: AnyRedis, *, stream: str, max_length: int, gap: Gap
    ) -> None:
        self._reader = reader
        self._commands = commands
        self._stream = stream
        self._max_length = max_length
        self._gap = gap
        self._gaps = 0
        self._entries: deque[Entry] = deque()  # read, and not yet given on

    async def read(self, receive: Receive) -> None:
        """Give every entry to ``receive``; foreign ones too, which it counts as unreadable.

        Raises:
            ConnectionError: Or whatever else a Redis that is away makes of a read.
        """
        while True:
            await self._give(receive)
            try:
                self._entries.extend(await self._reader.read())
            finally:
                self._look()

    async def _give(self, receive: Receive) -> None:
        turn_ends = monotonic() + _TURN_SECONDS
        while self._entries:
            _, fields = self._entries.popleft()
            receive(fields[1] if fields[0] == _FIELD else b"")
            if monotonic() > turn_ends:
                await anyio.lowlevel.checkpoint()
                turn_ends = monotonic() + _TURN_SECONDS

    async def send(self, messages: Sequence[bytes]) -> Sequence[str | None]:
        """Add messages in one round trip, and say what Redis answered to each.

        Where Redis does not answer, whether any was stored is unknown; it is sent again with the
        same number, by which the nodes recognise a second copy.
        """
        try:
            async with self._commands.pipeline(transaction=False) as pipe:
                for message in messages:
                    pipe.xadd(self._stream, {_FIELD: message}, maxlen=self._max_length)
                answers = await pipe.execute(raise_on_error=False)
        except UNAVAILABLE as error:
            return [describe(error)] * len(messages)
        return [describe(answer) if isinstance(answer, RedisError) else None for answer in answers]

    def _look(self) -> None:
        """Tell of gaps that the reader has found since the last look."""
        found = self._reader.gaps - self._gaps
        if found:
            self._gaps = self._reader.gaps
            self._gap(self._reader.last_gap, found)
