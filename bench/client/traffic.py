"""What the Python load generator sends and counts."""

from __future__ import annotations

import argparse
import re
import time
from itertools import cycle
from pathlib import Path
from typing import Final, NamedTuple

from bench.client.measure import Latencies, cpu_seconds
from bench.client.sockets import Connection, Network, count_frames

__all__ = ["Snapshot", "Stalled", "Traffic"]

STAMP: Final = 19
GOODBYE: Final = b"\x88\x82\0\0\0\0\x03\xe8"


class Stalled(Exception):
    """The server did not go on, or refused what it must not refuse."""


class Snapshot(NamedTuple):
    """Clocks and counters at one moment."""

    wall: float
    server: float
    client: float
    done: int
    publications: int


class Traffic(Network):
    """What is sent by itself, and what is counted of what arrives."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__()
        self.options = options
        self.publishers: list[Connection] = []
        upgrades: Path = options.upgrades
        self.upgrades = cycle(upgrades.read_bytes().rstrip(b"\0").split(b"\0"))
        self.publish = options.publish.read_bytes() if options.publish else b""
        self.burst = options.burst.read_bytes() if options.burst else b""
        self.greeting = options.greeting.read_bytes() if options.greeting else b""
        self.welcome, self.counted = options.welcome.encode(), options.counted.encode()
        self.sent_in = re.compile(re.escape(options.sent.encode()) + rb"\s*(\d+)")
        self.latencies = Latencies()
        self.running = False
        self.opened = self.published = self.answered = self.sent = self.delivered = 0
        self.bursts = self.replied = self.shaken = self.payload_bytes = 0
        self.snapshots: list[Snapshot] = []

    @property
    def measuring(self) -> bool:
        """Whether the measured part of the run is going on."""
        return len(self.snapshots) == 1

    @property
    def done(self) -> int:
        """Deliveries, replies or handshakes, whichever the run is about."""
        return self.delivered if self.publish else self.replied if self.burst else self.shaken

    def mark(self) -> None:
        """Read all clocks and counters, at the beginning and at the end of the measured part."""
        server = cpu_seconds(*self.options.pids)
        self.snapshots.append(
            Snapshot(time.monotonic(), server, time.process_time(), self.done, self.published)
        )

    def talk(self, connection: Connection) -> None:
        """Send one burst."""
        if self.running:
            connection.awaited = self.options.replies
            connection.began = time.monotonic_ns()
            self.bursts += 1
            connection.transmit(self.burst)

    def say_goodbye(self, connection: Connection) -> None:
        """Begin the closing handshake."""
        connection.open = False
        self.open_now -= 1
        connection.transmit(GOODBYE)

    def dial(self) -> None:
        """Begin a handshake."""
        Connection(self, self.options.port, self.on_answer).unsent = next(self.upgrades)

    def on_answer(self, connection: Connection, data: memoryview, at: int) -> None:
        """Read the answer to the upgrade."""
        connection.data += bytes(data)
        head, end, rest = connection.data.partition(b"\r\n\r\n")
        if not end:
            return
        if head[8:12] != b" 101":
            msg = f"refused: {head[:60]!r}"
            raise Stalled(msg)
        connection.data = b""
        if self.greeting:
            connection.on_read = self.on_welcome
            connection.transmit(self.greeting)
        else:
            self.on_open(connection, at)
        if rest:
            connection.on_read(connection, memoryview(rest), at)

    def on_welcome(self, connection: Connection, data: memoryview, at: int) -> None:
        """Wait for the answer to the greeting."""
        if count_frames(connection, data, self.welcome).frames:
            self.on_open(connection, at)

    def on_open(self, connection: Connection, at: int) -> None:
        """Count a connection in; in a run of handshakes it leaves at once."""
        connection.open = True
        connection.on_read = self.on_frames
        self.open_now += 1
        self.opened += 1
        if self.options.mode == "handshake":
            self.on_handshake(connection, at)

    def on_handshake(self, connection: Connection, at: int) -> None:
        """Count a handshake, and leave."""
        self.shaken += 1
        if self.measuring:
            self.latencies.record(at - connection.began)
        self.say_goodbye(connection)

    def on_frames(self, connection: Connection, data: memoryview, at: int) -> None:
        """Count what arrived on an open connection."""
        frames, size, last = count_frames(connection, data, self.counted)
        if not frames or not connection.open:
            return
        if self.burst:
            self.on_replies(connection, frames, at)
            return
        self.delivered += frames
        self.payload_bytes += size
        stamp = last[self.options.stamp : self.options.stamp + STAMP]
        if self.measuring and len(stamp) == STAMP:
            self.latencies.record(at - int(stamp), frames)

    def on_replies(self, connection: Connection, frames: int, at: int) -> None:
        """Count replies; the last one of a burst starts the next."""
        self.replied += frames
        if connection.awaited:
            connection.awaited -= frames
            if not connection.awaited:
                if self.measuring:
                    self.latencies.record(at - connection.began)
                self.talk(connection)

    def on_published(self, publisher: Connection, data: memoryview, _at: int) -> None:
        """Read the answer to a publication."""
        publisher.data += bytes(data)
        head, end, body = publisher.data.partition(b"\r\n\r\n")
        fields = head.lower()
        if not end or len(body) < int(fields.partition(b"content-length:")[2].split(b"\r\n")[0]):
            return
        sent = self.sent_in.search(body)
        if head[8:11] != b" 20" or sent is None:
            msg = f"publication refused: {head + end + body!r}"
            raise Stalled(msg)
        self.sent += int(sent[1])
        self.answered += 1
        publisher.data, publisher.awaited = b"", 0
        if b"connection: close" in fields:  # some servers want a new connection now and then
            self.publishers.remove(publisher)
            self.gone(publisher)
            self.open_publisher()

    def open_publisher(self) -> None:
        """Connect to where publications are taken."""
        connection = Connection(self, self.options.publish_port, self.on_published)
        self.publishers.append(connection)
