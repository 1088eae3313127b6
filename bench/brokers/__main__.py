"""``python -m bench.brokers``: publications in, latency, events out, in interleaved rounds."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import uvloop

from bench.brokers import runs
from bench.brokers.places import Brokers, brokers
from bench.brokers.runs import Figure
from bench.cores import CLIENT, pinned
from bench.webhook_clients import receiver_url

__all__ = ["main"]

Measure = Callable[[], Awaitable[Figure]]
BROKERED = ("redis_stream", "rabbitmq")
COUNTS = {"redis_stream": 60_000, "rabbitmq": 15_000}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.brokers", description=__doc__)
    parser.add_argument("run", nargs="?", choices=["ingress", "latency", "events", "all"])
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (3)")
    parser.add_argument("--rate", type=float, default=200.0, help="publications/s for latency")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each latency run (5)")
    parser.set_defaults(run="all")
    return parser


def _ingress(folder: Path, there: Brokers) -> dict[str, Measure]:
    measures: dict[str, Measure] = {}
    for name in BROKERED:
        count = COUNTS[name]
        ingress = partial(runs.ingress, folder, there, name)
        measures[f"{name}, bare loop"] = partial(runs.bare, folder, there, name, count=count)
        measures[f"{name}, nobody listens"] = partial(ingress, connections=0, count=count)
        measures[f"{name}, 1 connection"] = partial(ingress, connections=1, count=count)
        measures[f"{name}, 1,000 connections"] = partial(ingress, connections=1000, count=200)
    return measures


def _latency(folder: Path, there: Brokers, rate: float, seconds: float) -> dict[str, Measure]:
    cases = [("http", "memory", 1), ("redis_stream", "memory", 1), ("rabbitmq", "memory", 1)]
    cases += [("http", "redis", 2), ("http", "rabbitmq", 2), ("redis_stream", "memory", 2)]
    cases += [("rabbitmq", "redis", 2), ("rabbitmq", "rabbitmq", 2)]
    late = partial(runs.latency, folder, there, rate=rate, seconds=seconds)
    return {
        f"{name}, bus {bus}, {nodes} node{'s' if nodes > 1 else ''}": partial(
            late, name, bus, nodes=nodes
        )
        for name, bus, nodes in cases
    }


def _events(folder: Path, there: Brokers, webhook: str) -> dict[str, Measure]:
    counts = {"none": 40_000, "redis_stream": 40_000, "rabbitmq": 20_000, "webhook": 5_000}
    out = partial(runs.events, folder, there, connections=200, webhook=webhook)
    return {f"events to {sink}": partial(out, sink, count=count) for sink, count in counts.items()}


async def _run(options: argparse.Namespace) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="gatewright-bench-") as place,
        receiver_url() as webhook,
    ):
        folder = Path(place)
        async with brokers(folder) as there:
            plans: dict[str, dict[str, Measure]] = {
                "ingress": _ingress(folder, there),
                "latency": _latency(folder, there, options.rate, options.seconds),
                "events": _events(folder, there, webhook),
            }
            for name, plan in plans.items():
                if options.run in {name, "all"}:
                    await _measured(name, plan, options.rounds)


async def _measured(name: str, plan: dict[str, Measure], rounds: int) -> None:
    found: dict[str, list[Figure]] = {label: [] for label in plan}
    for number in range(rounds):
        for label, measure in plan.items():
            print(f"{name}, round {number + 1}: {label} …", file=sys.stderr, flush=True)
            found[label].append(await measure())
    print(f"\n{name}, medians of {rounds} interleaved rounds\n")
    print("| case | per second | CPU µs each | p50 ms | p99 ms |\n|---|--:|--:|--:|--:|")
    for label, figures in found.items():
        print(_row(label, figures), flush=True)


def _row(label: str, figures: list[Figure]) -> str:
    def median(name: str) -> float:
        return float(statistics.median(getattr(figure, name) for figure in figures))

    late = (f"{median('p50'):.1f}", f"{median('p99'):.1f}") if median("p50") else ("", "")
    cells = (label, f"{median('per_second'):,.0f}", f"{median('cpu_us'):.1f}", *late)
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Measure and print tables."""
    options = _parser().parse_args()
    print(f"cores: {os.cpu_count()}; load average before: {os.getloadavg()[0]:.2f}")
    with pinned(CLIENT):
        uvloop.run(_run(options))


if __name__ == "__main__":
    main()
