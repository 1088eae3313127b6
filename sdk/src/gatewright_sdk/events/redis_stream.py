"""Events from Redis streams, by a consumer group."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from gatewright_sdk.config import RedisEventsSettings, Settings
from gatewright_sdk.errors import (
    ConfigurationError,
    GatewrightError,
    InvalidEvent,
    Unavailable,
    needing,
)
from gatewright_sdk.events.consumer import Consumer, Outcome, named, positive
from gatewright_sdk.events.parsing import parse_event
from gatewright_sdk.events.redis_turn import Turn
from gatewright_sdk.events.registry import Events
from gatewright_sdk.model import Delivery, Event

if TYPE_CHECKING:
    from gatewright_sdk.events.redis_group import Entry, Group

__all__ = ["RedisStreamConsumer"]

_LOG: Final = logging.getLogger("gatewright_sdk.redis_stream")
_PARKED: Final = 50
_PAGE: Final = 100
_FAREWELL_SECONDS: Final = 2.0


class RedisStreamConsumer(Consumer):
    """Reads the events that a gateway adds to Redis streams. Needs Redis 6.2 or newer.

    Each event is handled at least once: an entry is acknowledged after its handlers have run, and
    one whose consumer died is taken over. Events of one connection are handled in their order,
    those of different connections side by side. What cannot be read becomes a dead letter.

    With ``ordered``, one consumer of the group works at a time, and the others stand by; the next
    one begins with all that is pending. So the order holds whoever dies. Without it, all share the
    entries, and the order only holds among those that one of them was given.

    Where handlers fail, only that connection's events wait, while there is room: 50 batches.

    Args:
        events: Whose handlers hear of the events.
        dsn: ``redis://``, ``rediss://`` or ``unix://``.
        streams: Which ones; two where the gateway sends messages to a stream of their own. Order is
            kept in each, not among them.
        group: The group; made where it is missing.
        consumer: The member's name in the group. Left out: one that is made from host and process.
        start: Where a new group begins: ``$`` with what comes from now on, ``0`` with all there is.
        batch: How many entries are held at once.
        concurrency: How many are handled at once, each of another connection.
        ordered: Whether consumers of the group take turns; see above.
        lease_seconds: How long after the death of one that works another one begins.
        reclaim_after_seconds: After how long an entry that nobody works on is taken over; with
            ``ordered``, after two leases if that is sooner.
        max_deliveries: How often an entry is tried: with ten, it takes about three minutes.
        dead_letter_stream: Where it goes then, as ``reason``, ``raw``, ``stream``, ``entry``,
            ``deliveries``, ``id``, ``seq``. None: it is logged, and stays in its stream alone.
        retry_seconds: The first pause before an entry is tried again; it doubles up to a minute.
        stop_seconds: What finishing may take once it is stopped.

    Raises:
        ConfigurationError: A value cannot be used; names it.
        MissingExtra: The library is not installed.
    """

    def __init__(
        self,
        events: Events[Any],
        *,
        dsn: str = "redis://redis:6379",
        streams: Sequence[str] = ("ws.events",),
        group: str = "backend",
        consumer: str | None = None,
        start: str = "$",
        batch: int = 100,
        concurrency: int = 16,
        ordered: bool = True,
        lease_seconds: float = 10.0,
        reclaim_after_seconds: float = 60.0,
        max_deliveries: int = 10,
        dead_letter_stream: str | None = None,
        retry_seconds: float = 0.5,
        stop_seconds: float = 30.0,
    ) -> None:
        super().__init__(
            events,
            log=_LOG,
            concurrency=concurrency,
            max_deliveries=max_deliveries,
            stop_seconds=stop_seconds,
            retry_seconds=retry_seconds,
        )
        positive(batch=batch, lease_seconds=lease_seconds)
        positive(reclaim_after_seconds=reclaim_after_seconds)
        named(dsn=dsn, group=group, start=start)
        self._streams = _several(streams)
        self._consumer = consumer or f"{socket.gethostname()}-{os.getpid()}-{os.urandom(4).hex()}"
        self._group = _group(dsn, group, self._consumer)
        self._start = start
        self._batch = batch
        lease, holder = f"{self._streams[0]}:{group}:active", self._consumer
        turn = Turn(self._group, lease, holder=holder, seconds=lease_seconds)
        self._turn = turn if ordered else None
        self._dead_letter_stream = dead_letter_stream
        self._held: dict[tuple[str, str], Entry] = {}
        self._turns_lost = self._read_since = 0
        if ordered:  # what others hold was left behind
            reclaim_after_seconds = min(reclaim_after_seconds, 2 * lease_seconds)
        self._reclaim_after = reclaim_after_seconds
        self._look_at = 0.0
        self._wait_ms = max(1, int(min(1.0, reclaim_after_seconds / 6) * 1000))

    @classmethod
    def from_settings(cls, events: Events[Any], settings: Settings) -> RedisStreamConsumer:
        """Return the consumer that settings describe.

        Raises:
            ConfigurationError: Events come otherwise.
            MissingExtra: The library is not installed.
        """
        found = settings.events
        if not isinstance(found, RedisEventsSettings):
            msg = "events.type (WS_EVENTS_TYPE): must be redis_stream for a RedisStreamConsumer"
            raise ConfigurationError(msg)
        return cls(
            events,
            dsn=found.dsn,
            streams=found.streams,
            group=found.group,
            consumer=found.consumer,
            start=found.start,
            dead_letter_stream=found.dead_letter_stream,
        )

    async def _work(self) -> None:
        try:
            await self._keep_sessions()
            await self._finish()
        finally:
            await self._running.cancel()
            with suppress(GatewrightError, TimeoutError):
                async with asyncio.timeout(_FAREWELL_SECONDS):
                    await self._leave()
            await self._group.close()

    async def _session(self) -> None:
        for stream in self._streams:
            await self._group.ensure(stream, self._start)
        turn = self._turn
        if turn is None:
            await self._read()
        elif await self._comes(turn):
            await self._read_while(turn)

    async def _read_while(self, turn: Turn) -> None:
        reading = asyncio.create_task(self._read())
        keeping = asyncio.create_task(turn.keep())
        try:
            await asyncio.wait({reading, keeping}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
            else:
                _LOG.warning("another consumer of the group may be at work: standing back")
                self._give_up_turn()
        finally:
            for task in (reading, keeping):
                task.cancel()
            await asyncio.gather(reading, keeping, return_exceptions=True)

    async def _comes(self, turn: Turn) -> bool:
        """Wait until this consumer is the one that works; False once it is stopped."""
        stands_by = False
        while not self._stopping.is_set():
            if await turn.take():
                if stands_by:
                    _LOG.info("this consumer, %s, is at work now", self._consumer)
                return True
            if not stands_by:
                _LOG.info("standing by: another consumer of the group is at work")
                self._give_up_turn()
            stands_by = True
            await self._sleep(min(1.0, turn.seconds / 5))
        return False

    def _is_sure(self) -> bool:
        return self._turn is None or self._turn.is_sure

    def _give_up_turn(self) -> None:
        """Begin nothing more of what was read: it may be another consumer's."""
        self._turns_lost += 1
        for tag in self._running.drop_waiting():
            self._held.pop(tag, None)  # type: ignore[call-overload]

    async def _read(self) -> None:
        lanes, turns_lost, reader = self._running, self._turns_lost, self._turn or self._group
        self._read_since = turns_lost
        self._look_at = asyncio.get_running_loop().time() + self._reclaim_after / 3
        for stream in self._streams:
            await self._group.tidy(stream)
            await self._recover(stream)
        while not self._stopping.is_set():
            if turns_lost != self._turns_lost or not self._is_sure():
                msg = "another consumer of the group may be at work"
                raise Unavailable(msg)
            await self._look()
            room = self._room()
            if room <= 0:
                await lanes.changed(1.0)
                continue
            for entry in await reader.read_new(self._streams, room, self._wait_ms):
                self._take(entry)
        await self._finish()

    def _room(self) -> int:
        lanes = self._running
        if lanes.parked >= _PARKED * self._batch:
            return 0
        return self._batch - lanes.ready

    async def _recover(self, stream: str) -> None:
        """Take what was given to this consumer, or with ``ordered`` to any, and not finished."""
        if self._turn is not None:
            await self._reclaim(stream, idle_ms=0)
            return
        after = "0-0"
        while ids := await self._group.own_pending(stream, after, _PAGE):
            await self._deliver(stream, ids)
            after = ids[-1]

    async def _look(self) -> None:
        """Now and then: show what is worked on, and take over what nobody works on."""
        now = asyncio.get_running_loop().time()
        if now < self._look_at:
            return
        self._look_at = now + self._reclaim_after / 3
        for stream in self._streams:
            ids = [each for where, each in self._held if where == stream]
            for at in range(0, len(ids), _PAGE):
                await self._group.touch(stream, ids[at : at + _PAGE])
            await self._reclaim(stream, idle_ms=int(self._reclaim_after * 1000))

    async def _reclaim(self, stream: str, *, idle_ms: int) -> None:
        cursor, ended = "0-0", False
        while not ended and not self._stopping.is_set():
            cursor, ids, deleted = await self._group.take_over(
                stream, idle_ms=idle_ms, cursor=cursor, count=_PAGE
            )
            self._tell_deleted(stream, deleted)
            await self._deliver(stream, ids)
            ended = cursor == "0-0"

    async def _deliver(self, stream: str, ids: Sequence[str]) -> None:
        """Take entries that were delivered before, but for those that are held."""
        fresh = [each for each in ids if (stream, each) not in self._held]
        entries = await self._group.deliver_again(stream, fresh)
        deleted = {*fresh} - {entry.id for entry in entries}
        if deleted:
            self._tell_deleted(stream, len(deleted))
            await self._group.acknowledge(stream, deleted)
        for entry in entries:
            while self._room() <= 0 and not self._stopping.is_set():
                await self._running.changed(1.0)
            self._take(entry)

    def _tell_deleted(self, stream: str, count: int) -> None:
        if count:
            _LOG.error("%d events were trimmed from %s before they were handled", count, stream)

    def _take(self, entry: Entry) -> None:
        """Put an entry behind those of its connection."""
        tag = (entry.stream, entry.id)
        self._held[tag] = entry
        turns_lost = self._read_since
        try:
            event = _event(entry)
        except InvalidEvent as error:
            _LOG.error("entry %s of %s is no event: %s", entry.id, entry.stream, error)
            self._running.add(f"{tag}", tag, lambda: self._refuse(entry))
            return
        if event is None:
            self._running.add(f"{tag}", tag, lambda: self._settle(entry))
            return
        lane = event.connection_id
        self._running.add(lane, tag, lambda: self._process(entry, event, turns_lost))

    async def _process(self, entry: Entry, event: Event, turns_lost: int) -> bool:
        if turns_lost == self._turns_lost and not self._is_sure():
            self._give_up_turn()
        if turns_lost != self._turns_lost:
            self._held.pop((entry.stream, entry.id), None)
            return True
        outcome = await self._handle(
            event, entry.deliveries, lambda: self._again(entry, turns_lost)
        )
        if outcome is Outcome.DONE:
            return await self._settle(entry)
        if outcome is Outcome.GIVEN_UP:
            _LOG.error("entry %s of %s is given up: it failed too often", entry.id, entry.stream)
            return await self._bury(entry, "handler_failed")
        self._held.pop((entry.stream, entry.id), None)
        return outcome is Outcome.GONE

    async def _again(self, entry: Entry, turns_lost: int) -> Delivery | None:
        """Count another delivery; None once the entry may be another consumer's."""
        if turns_lost != self._turns_lost:
            return None
        again = await self._patiently(lambda: self._delivered_again(entry))
        if again is None:
            return None
        self._held[entry.stream, entry.id] = again
        return _delivery(again)

    async def _delivered_again(self, entry: Entry) -> Entry | None:
        found = await self._group.deliver_again(entry.stream, [entry.id])
        return found[0] if found else None

    async def _refuse(self, entry: Entry) -> bool:
        return await self._bury(entry, "parse_error")

    async def _bury(self, entry: Entry, reason: str) -> bool:
        from gatewright_sdk.events.redis_group import letter  # noqa: PLC0415 - optional

        if self._dead_letter_stream:
            newest = self._held.get((entry.stream, entry.id), entry)
            stream, fields = self._dead_letter_stream, letter(newest, reason)
            await self._patiently(lambda: self._group.bury(stream, fields))
        return await self._settle(entry)

    async def _settle(self, entry: Entry) -> bool:
        await self._patiently(lambda: self._group.acknowledge(entry.stream, [entry.id]))
        self._held.pop((entry.stream, entry.id), None)
        return True

    async def _leave(self) -> None:
        """Make room at once for whoever stands by."""
        for stream in self._streams:
            await self._group.tidy(stream, itself=True)
        if self._turn is not None:
            await self._turn.give_back()


def _event(entry: Entry) -> Event | None:
    data = entry.fields.get(b"data")
    if data is None:
        msg = "it has no field 'data'"
        raise InvalidEvent(msg)
    return parse_event(data, _delivery(entry))


def _delivery(entry: Entry) -> Delivery:
    seq = _text(entry, b"seq")
    return Delivery(
        source="redis_stream",
        id=_text(entry, b"id"),
        seq=int(seq) if seq and seq.isascii() and seq.isdigit() and len(seq) < _LONGEST else None,
        reason=_text(entry, b"reason"),
        attempt=entry.deliveries,
        redelivered=entry.deliveries > 1,
    )


_LONGEST: Final = 20


def _text(entry: Entry, name: bytes) -> str | None:
    value = entry.fields.get(name)
    return value.decode(errors="replace") if value else None


def _group(dsn: str, name: str, consumer: str) -> Group:
    with needing("RedisStreamConsumer", "redis"):
        from gatewright_sdk.events.redis_group import Group  # noqa: PLC0415 - optional
    return Group(dsn, name=name, consumer=consumer)


def _several(streams: Sequence[str]) -> tuple[str, ...]:
    if isinstance(streams, str) or not streams:
        msg = "streams: must be a list of names, with at least one"
        raise ConfigurationError(msg)
    for place, each in enumerate(streams):
        named(**{f"streams[{place}]": each})
    return tuple(dict.fromkeys(streams))
