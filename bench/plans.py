"""Which servers and cases a command line means, and which servers cannot be had here."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final

from bench import cases, growth
from bench.cases import RUNS, Case, Run
from bench.options import COMMANDS, parser
from bench.targets import GATEWAYS, PEERS, TARGETS, TOKENS, USERS

__all__ = ["Plan", "planned"]

Plan = Mapping[Run, Sequence[Case]]


def _fanout(options: argparse.Namespace, targets: Sequence[str]) -> list[Case]:
    return cases.fanout(
        targets,
        connections=options.connections,
        windows=options.window,
        rate=options.rate,
        seconds=options.seconds,
    )


def _inbound(options: argparse.Namespace, targets: Sequence[str]) -> list[Case]:
    return cases.inbound(targets, connections=options.connections, seconds=options.seconds)


def _handshake(options: argparse.Namespace, targets: Sequence[str]) -> list[Case]:
    return cases.handshake(targets, connections=options.connections, seconds=options.seconds)


def _idle(options: argparse.Namespace, targets: Sequence[str]) -> list[Case]:
    return cases.idle(targets, connections=options.connections)


def _growth(options: argparse.Namespace, targets: Sequence[str]) -> list[Case]:
    return growth.cases(
        targets,
        connections=options.connections,
        subjects=options.subjects,
        window=options.window,
        seconds=options.seconds,
    )


_Cases = Callable[[argparse.Namespace, Sequence[str]], list[Case]]

_PLANS: Final[dict[str, tuple[Run, _Cases, Sequence[str]]]] = {
    "fanout": ("fanout", _fanout, (*GATEWAYS, *PEERS)),
    "inbound": ("inbound", _inbound, (*GATEWAYS, *PEERS)),
    "handshake": ("handshake", _handshake, (*GATEWAYS, *TOKENS, *PEERS)),
    "idle": ("idle", _idle, (*GATEWAYS, *USERS, *PEERS)),
    "growth": ("fanout", _growth, GATEWAYS),
}
"""For each command: its table, its cases, and the servers it measures unless others are named."""


def planned(arguments: Sequence[str]) -> tuple[argparse.Namespace, Plan, Mapping[str, str]]:
    """Return the options, the cases of each table, and why servers are left out, by their names.

    Raises:
        SystemExit: The arguments are wrong, or ask for help.
    """
    if not arguments or arguments[0] not in {*COMMANDS, "-h", "--help"}:
        arguments = ["all", *arguments]
    options = parser().parse_args(arguments)
    commands: Sequence[str] = RUNS if options.run == "all" else [options.run]
    plan: dict[Run, Sequence[Case]] = {}
    skipped: dict[str, str] = {}
    for command in commands:
        run, make, usual = _PLANS[command]
        targets, reasons = _available(run, options.targets or usual)
        skipped |= reasons
        if targets:
            own = parser().parse_args([command, *arguments[1:]])
            plan[run] = make(own, targets)
    return options, plan, skipped


def _available(run: Run, names: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    reasons = {name: reason for name in names if (reason := _missing(name)) is not None}
    for name in names:
        if name not in reasons and run not in TARGETS[name].runs:
            reasons[f"{name}, {run}"] = "it cannot be loaded in this way"
    left = [name for name in names if name not in reasons and run in TARGETS[name].runs]
    return left, reasons


@cache  # an attempt to install something is made once
def _missing(name: str) -> str | None:
    return TARGETS[name].missing()
