"""What the console page watches: the last events and the gateway's counters, as a stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import anyio
import msgspec
from prometheus_client import CollectorRegistry

from gatewright import Event

__all__ = ["EventFeed", "Taken", "Watcher", "counters", "server_sent"]

KEPT_EVENTS: Final = 200
WAITING_EVENTS: Final = 500
SHOWN_CHARACTERS: Final = 16_384

_ENCODE: Final = msgspec.json.Encoder().encode
_COUNTED: Final = {
    "gatewright_connections": "connections",
    "gatewright_handshakes": "handshakes",
    "gatewright_messages": "messages",
    "gatewright_publications": "publications",
    "gatewright_deliveries": "deliveries",
    "gatewright_events": "events",
    "gatewright_closes": "closes",
}


def server_sent(event: str, data: object, *, id: str | None = None) -> bytes:  # noqa: A002 - its name on the wire
    """Encode one server-sent event; ``data`` becomes one line of JSON."""
    head = b"" if id is None else b"id: %b\n" % id.encode()
    return b"%bevent: %b\ndata: %b\n\n" % (head, event.encode(), _ENCODE(data))


def counters(registry: CollectorRegistry) -> dict[str, int]:
    """Read the gateway's own counters, each summed over its labels."""
    found = dict.fromkeys(_COUNTED.values(), 0)
    for family in registry.collect():
        name = _COUNTED.get(family.name)
        if name is not None:
            values = (s.value for s in family.samples if not s.name.endswith("_created"))
            found[name] = int(sum(values))
    return found


@dataclass(frozen=True, slots=True)
class Taken:
    """What a watcher has to send.

    Attributes:
        blocks: Encoded events, oldest first.
        lost: Events that were dropped because the watcher was too slow.
    """

    blocks: tuple[bytes, ...]
    lost: int


class Watcher:
    """One reader of a feed, with a bounded queue; the oldest entries give way."""

    def __init__(self, earlier: Iterable[bytes]) -> None:
        self._waiting: deque[bytes] = deque(earlier, maxlen=WAITING_EVENTS)
        self._lost = 0
        self._wake = anyio.Event()
        self.closed = False
        if self._waiting:
            self._wake.set()

    def put(self, block: bytes) -> None:
        """Queue an encoded event. Never blocks."""
        self._lost += len(self._waiting) == WAITING_EVENTS
        self._waiting.append(block)
        self._wake.set()

    def close(self) -> None:
        """End the stream of this watcher."""
        self.closed = True
        self._wake.set()

    async def take(self, seconds: float) -> Taken:
        """Wait at most ``seconds`` and return what came. Cancelling loses nothing."""
        with anyio.move_on_after(seconds):
            await self._wake.wait()
        if not self.closed:
            self._wake = anyio.Event()
        taken = Taken(tuple(self._waiting), self._lost)
        self._waiting.clear()
        self._lost = 0
        return taken


class EventFeed:
    """The last events of this gateway and those who watch them.

    Args:
        boot: Names this run of the gateway in the ids of the stream, so that a reader which comes
            back is given what it missed, and everything when the gateway is another.
    """

    def __init__(self, boot: str) -> None:
        self._boot = boot
        self._count = 0
        self._kept: deque[tuple[int, bytes]] = deque(maxlen=KEPT_EVENTS)
        self._watchers: set[Watcher] = set()
        self._closed = False

    def add(self, event: Event) -> None:
        """Keep an event and pass it to all watchers. Never blocks."""
        self._count += 1
        block = server_sent("event", _shown(event), id=f"{self._boot}.{self._count}")
        self._kept.append((self._count, block))
        for watcher in self._watchers:
            watcher.put(block)

    @contextmanager
    def watch(self, last_id: str) -> Iterator[Watcher]:
        """Watch from after ``last_id``, the id of the last entry seen, or from the oldest kept."""
        after = self._number(last_id)
        watcher = Watcher(block for number, block in self._kept if number > after)
        watcher.closed = self._closed
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    def close(self) -> None:
        """End all streams, now and later."""
        self._closed = True
        for watcher in self._watchers:
            watcher.close()

    def _number(self, last_id: str) -> int:
        boot, _, number = last_id.partition(".")
        return int(number) if boot == self._boot and number.isdecimal() else 0


def _shown(event: Event) -> dict[str, object]:
    """Choose what the page shows; the body as text, so that it is seen byte for byte."""
    body = event.body.decode(errors="replace")
    return {
        "type": event.type,
        "id": event.id,
        "seq": event.seq,
        "connection_id": event.connection_id,
        "user_id": event.user_id,
        "at": event.occurred_at,
        "reason": event.reason,
        "body": body[:SHOWN_CHARACTERS],
        "cut": max(0, len(body) - SHOWN_CHARACTERS),
    }
