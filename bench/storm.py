"""``python -m bench.storm``: what a storm of handshakes does to those who are connected.

1,000 clients hear 20 publications a second, first in quiet, then while others connect and leave as
fast as they can, so many at a time, each with an RS256 token: one of 64 that were checked before
(warm), or checked every time (cold). Quiet and storm take turns; the table holds medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bench.generator import Generator, Load, Sample, find_generator
from bench.processes import Server, started
from bench.servers import gateway

__all__ = ["main"]

RATE: Final = 20
LEAD_SECONDS: Final = 0.7
"""From the start of the listeners to that of the storm."""

WARMUP_SECONDS: Final = 1.3
"""From the start of the publications to that of the measurement, which lies within the storm.

All in all it stays below the 5 s after which hypercorn closes an idle publisher's connection.
"""


@dataclass(frozen=True)
class Figure:
    """What one round found; latencies in milliseconds, from publishing to the client."""

    quiet: Sample
    storm: Sample
    handshakes: Sample

    @property
    def ratio(self) -> float:
        """How many times the quiet p99 that in the storm is."""
        return self.storm.p99_ms / self.quiet.p99_ms


def _listen(generator: Generator, server: Server, options: argparse.Namespace) -> Sample:
    recipe = replace(server.recipe, websockets=server.recipe.websockets[:1])
    numbers = {
        "connections": options.connections,
        "rate": RATE,
        "seconds": options.seconds,
        "warmup": WARMUP_SECONDS,
    }
    return generator.run(replace(server, recipe=recipe), Load("fanout", numbers))


def _connect(
    generator: Generator, server: Server, options: argparse.Namespace, at_a_time: int
) -> Sample:
    recipe = replace(server.recipe, websockets=server.recipe.websockets[1:])
    whole = options.seconds + 2 * WARMUP_SECONDS
    numbers = {"connections": at_a_time, "seconds": whole, "warmup": 0.3}
    return generator.run(replace(server, recipe=recipe), Load("handshake", numbers))


def _round(
    generator: Generator, server: Server, options: argparse.Namespace, at_a_time: int
) -> Figure:
    server.rest()
    quiet = _listen(generator, server, options)
    server.rest()
    with ThreadPoolExecutor(1) as other:
        listening = other.submit(_listen, generator, server, options)
        time.sleep(LEAD_SECONDS)
        handshakes = _connect(generator, server, options, at_a_time)
        storm = listening.result()
    return Figure(quiet, storm, handshakes)


def _row(name: str, at_a_time: int, found: Sequence[Figure]) -> str:
    def median(values: Sequence[float]) -> float:
        return statistics.median(values)

    cells = [
        f"{name}, {at_a_time} at a time",
        *(f"{median([getattr(each.quiet, at) for each in found]):.1f}" for at in _LATENCIES),
        *(f"{median([getattr(each.storm, at) for each in found]):.1f}" for at in _LATENCIES),
        f"{median([each.ratio for each in found]):.1f}",
        f"{median([each.handshakes.count / each.handshakes.seconds for each in found]):,.0f}",
        f"{median([each.handshakes.p99_ms for each in found]):.0f}",
    ]
    return f"| {' | '.join(cells)} |"


_LATENCIES: Final = ("p50_ms", "p99_ms")
_HEAD: Final = (
    "| tokens | quiet p50 | p99 ms | storm p50 | p99 ms | of p99 | handshakes/s | their p99 ms |\n"
    "|---|--:|--:|--:|--:|--:|--:|--:|"
)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.storm", description=__doc__)
    parser.add_argument("--connections", type=int, default=1000, help="that listen (1000)")
    parser.add_argument("--at-a-time", type=int, nargs="+", default=[32, 100])
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement (3)")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (3)")
    options = parser.parse_args()
    generator = find_generator()
    found: dict[tuple[str, int], list[Figure]] = {}
    for number in range(options.rounds):
        for name, cached in (("warm", True), ("cold", False)):
            with tempfile.TemporaryDirectory(prefix="gatewright-bench-") as place:
                recipe = gateway.for_listeners(Path(place), cached=cached)
                with started("gateway", recipe, Path(place)) as server:
                    for at_a_time in options.at_a_time:
                        print(f"round {number + 1}: {name}, {at_a_time} …", file=sys.stderr)
                        figure = _round(generator, server, options, at_a_time)
                        found.setdefault((name, at_a_time), []).append(figure)
    print(_HEAD)
    for (name, at_a_time), figures in found.items():
        print(_row(name, at_a_time, figures))


if __name__ == "__main__":
    main()
