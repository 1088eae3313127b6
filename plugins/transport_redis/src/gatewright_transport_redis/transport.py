"""The ``redis_stream`` transport: reads a stream and publishes what it holds."""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import Final

import anyio
import anyio.lowlevel

from gatewright import (
    BusUnavailable,
    DeadLetter,
    Health,
    InvalidPublication,
    PublicationLimits,
    Publish,
    Reach,
    parse_publication,
)
from gatewright_redis_kit import (
    UNAVAILABLE,
    AnyRedis,
    Cancellation,
    Entry,
    Pauses,
    StreamReader,
)
from gatewright_transport_redis.counters import Counters
from gatewright_transport_redis.dead_letters import StreamDeadLetters
from gatewright_transport_redis.entries import data_of, fields_as_json
from gatewright_transport_redis.rejected import Rejected, RejectedEntries
from gatewright_transport_redis.trimming import Trimming
from gatewright_transport_redis.watch import Watch

__all__ = ["RedisStreamTransport"]

_TURN_SECONDS: Final = 0.005
_NO_DATA: Final = "the entry has no field data"


class RedisStreamTransport:
    """Publications from a stream that every node reads by a cursor of its own.

    Where reading stands belongs to this object: a `run` that is started again goes on where the
    one before stopped.
    """

    reach: Final[Reach] = "cluster"

    def __init__(
        self,
        *,
        reader: StreamReader,
        rejected: RejectedEntries,
        trimming: Trimming,
        letters: StreamDeadLetters,
        commands: AnyRedis,
        stream: str,
        watch: Watch,
        counters: Counters,
        pauses: Pauses,
        source: str,
        limits: PublicationLimits,
    ) -> None:
        self._reader = reader
        self._rejected = rejected
        self._trimming = trimming
        self._letters = letters
        self._commands = commands
        self._stream = stream
        self._watch = watch
        self._counters = counters
        self._pauses = pauses
        self._source = source
        self._limits = limits
        self._entries: deque[Entry] = deque()

    async def run(self, publish: Publish) -> None:
        """Read and publish until cancelled; a Redis that is away is waited for.

        Raises:
            Exception: The gateway's dead letters failed, or ``publish`` did otherwise than its
                protocol says. Nothing is lost: the next `run` begins with the same entry.
        """
        cancellation = Cancellation()
        while True:
            cancellation.check()
            try:
                await self._publish_all(publish)
            except BusUnavailable:
                await anyio.sleep(self._pauses.next())
                continue
            try:
                await self._read()
            except UNAVAILABLE as error:
                self._watch.failed(error)
                await anyio.sleep(self._pauses.next())

    def health(self) -> Health:
        """Tell whether entries are being read, where, and what was missed."""
        return self._watch.health()

    def dead_letters(self) -> StreamDeadLetters:
        """Return the store over the dead-letter stream."""
        return self._letters

    async def resend(self, letter: DeadLetter) -> None:
        """Add a publication's bytes to the stream again; every node reads them.

        Cancelling may leave them added. Raises what the client raises.
        """
        await self._commands.xadd(self._stream, {"data": letter.payload})

    async def finish(self) -> None:
        """Write down what was rejected and could not be written yet; for the end."""
        await self._rejected.write()

    async def _read(self) -> None:
        entries = await self._reader.read()
        self._pauses.reset()
        self._entries.extend(entries)
        self._watch.arrived(len(entries))
        await self._trimming.trim()

    async def _publish_all(self, publish: Publish) -> None:
        """Publish what was read, in order, and give other tasks a turn every few milliseconds."""
        entries = self._entries
        turn_ends = monotonic() + _TURN_SECONDS
        while entries:
            await self._publish_one(entries[0], publish)
            entries.popleft()
            if monotonic() > turn_ends:
                await anyio.lowlevel.checkpoint()
                turn_ends = monotonic() + _TURN_SECONDS
        if self._rejected:
            await self._rejected.write()

    async def _publish_one(self, entry: Entry, publish: Publish) -> None:
        data = data_of(entry[1])
        if data is None:
            self._reject(entry, fields_as_json(entry[1]), InvalidPublication(_NO_DATA))
            return
        try:
            publication = parse_publication(data, source=self._source, limits=self._limits)
            await publish(publication, count=False)
        except InvalidPublication as error:
            self._reject(entry, data, error)

    def _reject(self, entry: Entry, raw: bytes, error: InvalidPublication) -> None:
        self._counters.invalid.labels(error.reason).inc()
        self._rejected.add(Rejected(entry[0].decode(), error.reason, raw, error.detail))
