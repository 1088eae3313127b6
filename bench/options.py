"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.cases import RUNS
from bench.targets import TARGETS

__all__ = ["COMMANDS", "parser"]

COMMANDS: Final = ("all", *RUNS, "growth")


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.replace("_", "").split(",")]


def _name(text: str) -> str:
    if text not in TARGETS:
        msg = f"no server {text!r}; there are {', '.join(TARGETS)}"
        raise argparse.ArgumentTypeError(msg)
    return text


def _names(text: str) -> Sequence[str]:
    return [_name(part) for part in text.split(",")]


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--rounds", type=int, default=3, help="interleaved rounds (3)")
    common.add_argument("--seconds", type=float, default=1.0, help="of one measurement (1)")
    common.add_argument(
        "--targets", type=_names, metavar="NAME,NAME", help="servers, in this order"
    )
    common.add_argument("--base", type=_name, help="the server that is the ratios' 1 (the first)")
    common.add_argument("--generator", choices=["auto", "c", "python"], default="auto")
    common.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return common


def parser() -> argparse.ArgumentParser:
    """Return the parser for all commands."""
    common = [_common()]
    whole = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure the gateway beside other servers.",
        epilog=f"servers: {', '.join(TARGETS)}",
    )
    runs = whole.add_subparsers(dest="run", required=True)
    runs.add_parser("all", parents=common, help="the next four, in their short form (the default)")
    fanout = runs.add_parser("fanout", parents=common, help="publications to everybody")
    fanout.add_argument("--connections", type=_numbers, default=[100, 1000], metavar="N,N")
    fanout.add_argument("--window", type=_numbers, default=[1, 4], metavar="W,W")
    fanout.add_argument("--rate", type=float, default=20.0, help="one more case, at N/s; 0: none")
    inbound = runs.add_parser("inbound", parents=common, help="messages from clients")
    inbound.add_argument("--connections", type=int, default=100)
    handshake = runs.add_parser("handshake", parents=common, help="clients that come and go")
    handshake.add_argument("--connections", type=int, default=32, help="at a time")
    idle = runs.add_parser("idle", parents=common, help="memory of clients that do nothing")
    idle.add_argument("--connections", type=_numbers, default=[1000], metavar="N,N")
    growth = runs.add_parser("growth", parents=common, help="publications to ever more")
    sizes = [100, 300, 1000, 3000, 10_000]
    growth.add_argument("--connections", type=_numbers, default=sizes, metavar="N,N")
    growth.add_argument("--subjects", type=_numbers, default=[1, 10, *sizes], metavar="N,N")
    growth.add_argument("--window", type=int, default=4)
    growth.add_argument("--svg", type=Path, metavar="DIR", help="write the plots there")
    return whole
