"""The load generator in Python, for machines without a C compiler.

It takes the options of the C one and prints the same line of JSON. It looks only at the heads of
frames; even so it costs several times what the C one does, and beside a fast server it is the
bottleneck: the client's share of its core, which every table shows, says so.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.client.measure import resident_kib
from bench.client.traffic import Stalled, Traffic

__all__ = ["Generator", "main"]

OPENING: Final = 64
PATIENCE: Final = 15.0
RATE_PUBLISHERS: Final = 16
PLACEHOLDER: Final = b"@" * 19


class Generator(Traffic):
    """The runs."""

    rss = (0, 0)
    complete = 0

    def step(self, start: float, seconds: float) -> None:
        """Make one turn of a run, measured from ``warmup`` on for ``seconds``, or little longer."""
        self.turn(min(seconds, 0.1))
        elapsed = time.monotonic() - start
        if not self.at_boundary() and elapsed < self.latest:
            return
        if not self.snapshots and elapsed >= self.options.warmup:
            self.mark()
            self.complete = 0
        elif self.measuring and time.monotonic() - self.snapshots[0].wall >= self.options.seconds:
            self.mark()
            self.running = False

    @property
    def latest(self) -> float:
        """When the measured part has to end, even if the server stands still."""
        return float(self.options.warmup + self.options.seconds) + PATIENCE

    def at_boundary(self) -> bool:
        """Whether another publication has just arrived everywhere, or another reply or handshake.

        While measuring: as many publications as are on their way at a time, because a server that
        queues does the work for all of them at other times than it sends. Always, where they reach
        nobody.
        """
        whole = self.options.connections if self.publish else 1
        if not whole:
            return True
        since = 0
        if self.measuring:
            since = self.snapshots[0].done
            whole *= self.options.window if self.publish else 1
        before, self.complete = self.complete, (self.done - since) // whole
        return self.complete > before

    def wait_for(self, done: Callable[[], bool]) -> None:
        """Turn until ``done``, a lost connection, or the end of patience."""
        until = time.monotonic() + PATIENCE
        while not done() and not self.lost and time.monotonic() < until:
            self.turn(0.05)

    def open_until(self, count: int) -> None:
        """Open connections until there are ``count``."""
        dialled = self.open_now
        until = time.monotonic() + PATIENCE + count / 100
        while self.open_now < count:
            while dialled < count and dialled - self.open_now < OPENING:
                self.dial()
                dialled += 1
            self.turn(0.1)
            if time.monotonic() > until or self.lost:
                msg = f"only {self.open_now} of {count} connections were opened"
                raise Stalled(msg)

    def fanout(self) -> None:
        """Publish, and count what comes back on every connection."""
        options = self.options
        self.open_until(options.connections)
        for _ in range(RATE_PUBLISHERS if options.rate else options.window):
            self.open_publisher()
        self.running = True
        start = due = time.monotonic_ns()
        while self.running and not self.lost:
            due, seconds = self.publish_due(due)
            self.step(start / 1e9, seconds)
        self.wait_for(
            lambda: (
                self.delivered >= self.published * options.connections
                and self.answered >= self.published
            )
        )

    def publish_due(self, due: int) -> tuple[int, float]:
        """Send what may be sent now; return when the next is due and how long to wait."""
        options = self.options
        for publisher in self.publishers:
            if publisher.awaited:
                continue
            now = time.monotonic_ns()
            if options.rate:
                if now < due:
                    break
                stamp, due = due, due + int(1e9 / options.rate)
            else:
                unfinished = max(self.published - options.window + 1, 0)
                if self.delivered < unfinished * options.connections:
                    break
                stamp = now
            publisher.awaited = 1
            self.published += 1
            publisher.transmit(self.publish.replace(PLACEHOLDER, b"%019d" % stamp))
        return due, max(due - time.monotonic_ns(), 0) / 1e9 if options.rate else 0.1

    def inbound(self) -> None:
        """Send bursts on every connection, each after the answer to the one before."""
        self.open_until(self.options.connections)
        self.running = True
        start = time.monotonic()
        for connection in list(self.connections.values()):
            self.talk(connection)
        while self.running and not self.lost:
            self.step(start, 0.1)
        self.wait_for(lambda: self.replied >= self.bursts * self.options.replies)

    def handshake(self) -> None:
        """Open and close connections, so many at a time."""
        self.running = True
        start = time.monotonic()
        while self.running:
            while len(self.connections) < self.options.connections:
                self.dial()
            self.step(start, 0.1)

    def idle(self) -> None:
        """Open connections that do nothing, and read the server's memory."""
        options = self.options
        self.open_until(options.warm)
        self.rest()
        before = resident_kib(*options.pids)
        self.mark()
        self.open_until(options.warm + options.connections)
        self.rest()
        self.mark()
        self.rss = (before, resident_kib(*options.pids))

    def rest(self) -> None:
        """Let the server come to rest."""
        until = time.monotonic() + self.options.settle
        while time.monotonic() < until:
            self.turn(0.02)

    def close_all(self) -> None:
        """Close every connection, and wait until the server has closed them too."""
        self.closing = True
        for publisher in self.publishers:
            publisher.open = False
            self.gone(publisher)
        for connection in list(self.connections.values()):
            if connection.open:
                self.say_goodbye(connection)
            elif self.options.mode != "handshake":
                self.gone(connection)
        until = time.monotonic() + PATIENCE
        while self.connections and time.monotonic() < until:
            self.turn(0.02)

    def report(self) -> dict[str, float]:
        """Return the line of JSON that the C generator prints."""
        began, ended = self.snapshots
        return {
            "seconds": ended.wall - began.wall,
            "server_cpu": ended.server - began.server,
            "client_cpu": ended.client - began.client,
            "count": ended.done - began.done,
            "publications": ended.publications - began.publications,
            "p50_ms": self.latencies.quantile(0.5),
            "p99_ms": self.latencies.quantile(0.99),
            "samples": self.latencies.samples,
            "published": self.published,
            "answered": self.answered,
            "sent": self.sent,
            "delivered": self.delivered,
            "payload_bytes": self.payload_bytes,
            "bursts": self.bursts,
            "replied": self.replied,
            "opened": self.opened,
            "lost": self.lost,
            "rss_before_kib": self.rss[0],
            "rss_after_kib": self.rss[1],
        }


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fallback", description=__doc__)
    parser.add_argument("mode", choices=["fanout", "inbound", "handshake", "idle"])
    for name in ("port", "publish-port", "connections", "warm"):
        parser.add_argument(f"--{name}", type=int, default=0)
    for name in ("window", "replies"):
        parser.add_argument(f"--{name}", type=int, default=1)
    for name in ("rate", "seconds", "warmup", "settle"):
        parser.add_argument(f"--{name}", type=float, default=0.0)
    for name in ("upgrades", "publish", "burst", "greeting"):
        parser.add_argument(f"--{name}", type=Path)
    for name in ("welcome", "counted"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--sent", default='"sent":')
    parser.add_argument("--pids", type=_numbers, default=[])
    parser.add_argument("--stamp", type=int, default=0)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Run what the options say, and print one line of JSON."""
    options = _options(arguments)
    generator = Generator(options)
    runs = {
        "fanout": generator.fanout,
        "inbound": generator.inbound,
        "handshake": generator.handshake,
        "idle": generator.idle,
    }
    runs[options.mode]()
    generator.close_all()
    print(json.dumps(generator.report()))


if __name__ == "__main__":
    main()
