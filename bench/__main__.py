"""``python -m bench``: measures the gateway beside raw hypercorn and ``websockets``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from bench import cases
from bench.cases import Case, Run
from bench.cores import CLIENT, SERVER
from bench.generator import Generator, GeneratorFailed, find_generator
from bench.processes import ServerFailed
from bench.rounds import measured
from bench.table import Figures, figures, markdown
from bench.targets import TARGETS

__all__ = ["main"]

RUNS: Final[tuple[Run, ...]] = ("fanout", "inbound", "handshake", "idle")
PEERS: Final = ("hypercorn", "websockets")


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.replace("_", "").split(",")]


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in TARGETS]:
        msg = f"no server {unknown[0]!r}; there are {', '.join(TARGETS)}"
        raise argparse.ArgumentTypeError(msg)
    return names


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--rounds", type=int, default=3, help="interleaved rounds (3)")
    common.add_argument("--seconds", type=float, default=1.0, help="of one measurement (1)")
    common.add_argument("--targets", type=_names, help="servers, the first one is the ratios' 1")
    common.add_argument("--generator", choices=["auto", "c", "python"], default="auto")
    common.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    runs = parser.add_subparsers(dest="run", required=True)
    runs.add_parser("all", parents=[common], help="all runs, in their short form (the default)")
    fanout = runs.add_parser("fanout", parents=[common], help="publications to everybody")
    fanout.add_argument("--connections", type=_numbers, default=[100, 1000], metavar="N,N")
    fanout.add_argument("--window", type=_numbers, default=[1, 4], metavar="W,W")
    fanout.add_argument("--rate", type=float, default=20.0, help="one more case, at N/s; 0: none")
    inbound = runs.add_parser("inbound", parents=[common], help="messages from clients")
    inbound.add_argument("--connections", type=int, default=100)
    handshake = runs.add_parser("handshake", parents=[common], help="clients that come and go")
    handshake.add_argument("--connections", type=int, default=32, help="at a time")
    idle = runs.add_parser("idle", parents=[common], help="memory of clients that do nothing")
    idle.add_argument("--connections", type=_numbers, default=[1000], metavar="N,N")
    return parser


def _fanout(options: argparse.Namespace) -> list[Case]:
    return cases.fanout(
        options.targets or ["gateway", *PEERS],
        connections=options.connections,
        windows=options.window,
        rate=options.rate,
        seconds=options.seconds,
    )


def _inbound(options: argparse.Namespace) -> list[Case]:
    targets = options.targets or ["gateway", *PEERS]
    return cases.inbound(targets, connections=options.connections, seconds=options.seconds)


def _handshake(options: argparse.Namespace) -> list[Case]:
    targets = options.targets or ["gateway", "gateway-jwt", *PEERS]
    return cases.handshake(targets, connections=options.connections, seconds=options.seconds)


def _idle(options: argparse.Namespace) -> list[Case]:
    return cases.idle(options.targets or ["gateway", *PEERS], connections=options.connections)


PLANS: Final[dict[Run, Callable[[argparse.Namespace], list[Case]]]] = {
    "fanout": _fanout,
    "inbound": _inbound,
    "handshake": _handshake,
    "idle": _idle,
}


def _plan(arguments: Sequence[str]) -> tuple[argparse.Namespace, dict[Run, list[Case]]]:
    parser = _parser()
    if not arguments or arguments[0] not in {*RUNS, "all", "-h", "--help"}:
        arguments = ["all", *arguments]
    options = parser.parse_args(arguments)
    if options.run != "all":
        return options, {options.run: PLANS[options.run](options)}
    rest = arguments[1:]
    return options, {run: PLANS[run](parser.parse_args([run, *rest])) for run in RUNS}


def _circumstances(generator: Generator) -> dict[str, str]:
    versions = [f"{name} {version(name)}" for name in ("gatewright", *PEERS)]
    loop = f"uvloop {version('uvloop')}" if find_spec("uvloop") else "asyncio"
    cores = f"server on {sorted(SERVER)}, client on {sorted(CLIENT)}"
    return {
        "python": f"{platform.python_version()}, {loop}",
        "servers": ", ".join(versions),
        "load generator": generator.name,
        "cores": f"{os.cpu_count()}; {cores}",
        "load average before": f"{os.getloadavg()[0]:.2f}",
    }


def _measure(run: Run, plan: Sequence[Case], generator: Generator, rounds: int) -> list[Figures]:
    lines: list[Figures] = []
    for case in plan:
        print(f"measuring {run}: {case.label} …", file=sys.stderr, flush=True)
        lines += figures(case, measured(case, generator, rounds))
    print(f"\n{run}, medians of {rounds} interleaved rounds\n\n{markdown(run, lines)}", flush=True)
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print tables, and return the exit code."""
    options, plan = _plan(sys.argv[1:] if arguments is None else arguments)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        generator = find_generator(options.generator)
        circumstances = _circumstances(generator)
        for name, value in circumstances.items():
            print(f"{name}: {value}")
        lines = [
            line
            for run, run_cases in plan.items()
            for line in _measure(run, run_cases, generator, options.rounds)
        ]
    except (GeneratorFailed, ServerFailed) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    if options.json:
        report = {"circumstances": circumstances, "figures": [asdict(line) for line in lines]}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
