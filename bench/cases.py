"""What is measured: each case loads every server in the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from bench.generator import GeneratorFailed, Load, Sample
from bench.prepared import FRAME_BYTES, Word

__all__ = ["RUNS", "Case", "Run", "fanout", "handshake", "idle", "inbound", "timed"]

Run = Literal["fanout", "inbound", "handshake", "idle"]
RUNS: Final[tuple[Run, ...]] = ("fanout", "inbound", "handshake", "idle")

WARM: Final = 50
SETTLE_SECONDS: Final = 1.0
BULK: Final = 16

_PING: Final[tuple[Word, ...]] = ("ping",)
_MESSAGE: Final[tuple[Word, ...]] = ("message",)


@dataclass(frozen=True)
class Case:
    """One way to load a server.

    Attributes:
        run: The table it belongs to.
        label: What distinguishes it there.
        options: The load generator's.
        targets: The servers, in the order in which each round measures them.
        burst: What every client says at once, if clients talk.
        users: How many users each publication is for, each with one connection; 0: one user, whom
            all clients are.
        fresh: Whether each measurement has a server of its own.
    """

    run: Run
    label: str
    options: Mapping[str, float]
    targets: Sequence[str]
    burst: Sequence[Word] = ()
    users: int = 0
    fresh: bool = False

    @property
    def load(self) -> Load:
        """What the load generator does to each server."""
        return Load(self.run, self.options, self.burst, self.users)

    def units(self, sample: Sample) -> float:
        """Return how many deliveries, messages, handshakes or connections were measured."""
        if self.run == "idle":
            return self.options["connections"]
        return sample.count * max(len(self.burst), 1) / self.options.get("replies", 1)

    def check(self, server: str, sample: Sample) -> None:
        """Compare what was sent with what arrived.

        Raises:
            GeneratorFailed: They differ, or nothing was measured.
        """
        if not sample.count and self.run != "idle" and self.options["connections"]:
            msg = f"{server}, {self.run}, {self.label}: nothing came while it was measured"
            raise GeneratorFailed(msg)
        due, *arrived = self._counts(sample)
        if any(count != due for count in arrived) or sample.answered != sample.published:
            msg = f"{server}, {self.run}, {self.label}: {due} expected, {arrived} arrived"
            raise GeneratorFailed(msg)

    def _counts(self, sample: Sample) -> tuple[float, ...]:
        """Return what should have arrived, and then every count of what did."""
        if self.run == "fanout":
            due = sample.published * int(self.options["connections"])
            return due, sample.delivered, sample.sent, sample.payload_bytes / FRAME_BYTES
        if self.run == "inbound":
            return sample.bursts * int(self.options.get("replies", 1)), sample.replied
        if self.run == "idle":
            return int(self.options["connections"] + self.options.get("warm", 0)), sample.opened
        return (sample.opened,)


def timed(seconds: float) -> dict[str, float]:
    """Return the load generator's options for a measurement of so many seconds."""
    return {"seconds": seconds, "warmup": min(0.3, seconds)}


def fanout(
    targets: Sequence[str],
    *,
    connections: Sequence[int],
    windows: Sequence[int],
    rate: float,
    seconds: float,
) -> list[Case]:
    """Return the cases of publications to everybody.

    Args:
        targets: The servers.
        connections: How many clients hear each publication; 0 shows what publishing itself costs.
        windows: How many publications are on their way at a time.
        rate: Publications a second for one more case, at the most connections; 0: no such case.
        seconds: How long each measurement takes.
    """
    cases = [
        Case(
            "fanout",
            f"{count:,} connections, window {window}",
            {"connections": count, "window": window, **timed(seconds)},
            targets,
        )
        for count in connections
        for window in windows
    ]
    if rate:
        most = max(connections)
        options = {"connections": most, "rate": rate, **timed(max(seconds, 40 / rate))}
        cases.append(Case("fanout", f"{most:,} connections, {rate:g}/s", options, targets))
    return cases


def inbound(targets: Sequence[str], *, connections: int, seconds: float) -> list[Case]:
    """Return the cases of clients that talk, each with one burst on its way."""
    options = {"connections": connections, **timed(seconds)}
    return [
        Case("inbound", "ping, pong", options, targets, burst=_PING),
        Case(
            "inbound",
            f"{BULK} pings at once",
            {**options, "replies": BULK},
            targets,
            burst=_PING * BULK,
        ),
        Case(
            "inbound",
            f"{BULK - 1} messages and a ping",
            options,
            targets,
            burst=_MESSAGE * (BULK - 1) + _PING,
        ),
    ]


def handshake(targets: Sequence[str], *, connections: int, seconds: float) -> list[Case]:
    """Return the case of clients that come and go, so many at a time."""
    options = {"connections": connections, **timed(seconds)}
    return [Case("handshake", f"{connections} at a time", options, targets)]


def idle(targets: Sequence[str], *, connections: Sequence[int]) -> list[Case]:
    """Return the cases of clients that do nothing but be there."""
    return [
        Case(
            "idle",
            f"{count:,} connections",
            {"connections": count, "warm": WARM, "settle": SETTLE_SECONDS},
            targets,
            fresh=True,
        )
        for count in connections
    ]
