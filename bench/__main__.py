"""``python -m bench``: measures the gateway beside other servers."""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Final

from bench import growth
from bench.cases import Case, Run
from bench.cores import CLIENT, SERVER
from bench.generator import Generator, GeneratorFailed, find_generator
from bench.plans import planned
from bench.processes import ServerFailed
from bench.rounds import measured
from bench.table import Figures, figures, markdown

__all__ = ["main"]

PACKAGES: Final = ("gatewright", "hypercorn", "picows", "websockets", "uvicorn", "python-socketio")


def _circumstances(generator: Generator) -> dict[str, str]:
    loop = f"uvloop {version('uvloop')}" if find_spec("uvloop") else "asyncio"
    cores = f"server on {sorted(SERVER)}, client on {sorted(CLIENT)}"
    return {
        "python": f"{platform.python_version()}, {loop}",
        "packages": ", ".join(_versions()),
        "load generator": generator.name,
        "cores": f"{os.cpu_count()}; {cores}",
        "load average before": f"{os.getloadavg()[0]:.2f}",
    }


def _versions() -> list[str]:
    found: list[str] = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return found


def _measure(
    run: Run, plan: Sequence[Case], generator: Generator, options: argparse.Namespace
) -> list[Figures]:
    lines: list[Figures] = []
    failures: list[str] = []
    for case in plan:
        print(f"measuring {run}: {case.label} …", file=sys.stderr, flush=True)
        samples, failed = measured(case, generator, options.rounds)
        lines += figures(case, samples, options.base)
        failures += [f"left out: {name}, {case.label}: {why}" for name, why in failed.items()]
    print(f"\n{run}, medians of {options.rounds} interleaved rounds\n\n{markdown(run, lines)}")
    print("".join(f"\n{failure}" for failure in failures), end="\n" * bool(failures), flush=True)
    return lines


def _write(options: argparse.Namespace, found: Mapping[str, str], lines: list[Figures]) -> None:
    if options.json:
        report = {"circumstances": found, "figures": [asdict(line) for line in lines]}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if options.run == "growth" and options.svg:
        options.svg.mkdir(parents=True, exist_ok=True)
        for name, document in growth.plots(lines).items():
            (options.svg / name).write_text(document, encoding="utf-8")
            print(f"wrote {options.svg / name}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print tables, and return the exit code."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    options, plan, skipped = planned(sys.argv[1:] if arguments is None else arguments)
    for name, reason in skipped.items():
        print(f"skipped: {name}: {reason}", flush=True)
    if not plan:
        print("bench: no server is left to be measured", file=sys.stderr)
        return 1
    try:
        generator = find_generator(options.generator)
        circumstances = _circumstances(generator)
        for name, value in circumstances.items():
            print(f"{name}: {value}", flush=True)
        lines = [
            line
            for run, run_cases in plan.items()
            for line in _measure(run, run_cases, generator, options)
        ]
    except (GeneratorFailed, ServerFailed) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    _write(options, circumstances, lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
