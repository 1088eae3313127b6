"""Turns samples into figures, and figures into tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.cases import Case, Run
from bench.generator import Sample
from bench.rounds import Samples

__all__ = ["Figures", "figures", "markdown"]


@dataclass(frozen=True)
class Figures:
    """One line of a table: medians over the rounds.

    Attributes:
        connections: How many clients there were.
        users: How many users each publication was for; 0: one, whom all clients are.
        per_second: Deliveries, messages or handshakes a second.
        cpu_us: The server's CPU time for each, in microseconds.
        cpu_ratio: How many times the base's that is, round by round.
        client_us: The load generator's CPU time for each, in microseconds.
        publication_us: The server's CPU time for each publication, all its deliveries included.
        p50_ms: Latency that half stay below.
        p99_ms: Latency that all but a hundredth stay below.
        p99_ratio: How many times the base's that is.
        kib: Resident memory for each idle connection.
        kib_ratio: How many times the base's that is.
        server_share: The share of a core that the server used.
        client_share: The share of a core that the load generator used.
        spread: How far the rounds' CPU times lie apart, as a share of the median.
    """

    run: Run
    case: str
    server: str
    connections: int
    users: int
    per_second: float
    cpu_us: float
    cpu_ratio: float
    client_us: float
    publication_us: float
    p50_ms: float
    p99_ms: float
    p99_ratio: float
    kib: float
    kib_ratio: float
    server_share: float
    client_share: float
    spread: float


def figures(case: Case, samples: Samples, base: str | None = None) -> list[Figures]:
    """Return one line for each server of a case.

    Args:
        case: What was measured.
        samples: What came of it.
        base: The server that is the ratios' 1; without one, or where it is not there, the first.
    """
    if base not in samples:
        base = next(iter(samples), None)
    return [_line(case, name, own, samples[base]) for name, own in samples.items() if base]


def _line(case: Case, name: str, own: Sequence[Sample], base: Sequence[Sample]) -> Figures:
    def cpu(sample: Sample) -> float:
        return _per(sample.server_cpu * 1e6, case.units(sample))

    def kib(sample: Sample) -> float:
        return _per(sample.rss_after_kib - sample.rss_before_kib, case.units(sample))

    costs = [cpu(sample) for sample in own]
    return Figures(
        run=case.run,
        case=case.label,
        server=name,
        connections=int(case.options["connections"]),
        users=case.users,
        per_second=median(_per(case.units(sample), sample.seconds) for sample in own),
        cpu_us=median(costs),
        cpu_ratio=_ratio(own, base, cpu),
        client_us=median(_per(sample.client_cpu * 1e6, case.units(sample)) for sample in own),
        publication_us=median(_publication(case, sample) for sample in own),
        p50_ms=median(sample.p50_ms for sample in own),
        p99_ms=median(sample.p99_ms for sample in own),
        p99_ratio=_ratio(own, base, lambda sample: sample.p99_ms),
        kib=median(kib(sample) for sample in own),
        kib_ratio=_ratio(own, base, kib),
        server_share=median(_per(sample.server_cpu, sample.seconds) for sample in own),
        client_share=median(_per(sample.client_cpu, sample.seconds) for sample in own),
        spread=_per(max(costs) - min(costs), median(costs)),
    )


def _publication(case: Case, sample: Sample) -> float:
    if deliveries := case.options.get("connections", 0):
        return _per(sample.server_cpu * 1e6, sample.count / deliveries)
    return _per(sample.server_cpu * 1e6, sample.publications)


def _per(value: float, count: float) -> float:
    return value / count if count else 0.0


def _ratio(
    own: Sequence[Sample], base: Sequence[Sample], figure: Callable[[Sample], float]
) -> float:
    pairs = zip(own, base, strict=True)
    return median(_per(figure(mine), figure(theirs)) for mine, theirs in pairs)


Column = tuple[str, Callable[[Figures], str]]

_NAMES: Final[list[Column]] = [
    ("case", lambda line: line.case),
    ("server", lambda line: line.server),
]
_LATENCY: Final[list[Column]] = [
    ("p50 ms", lambda line: f"{line.p50_ms:.2f}"),
    ("p99 ms", lambda line: f"{line.p99_ms:.2f}"),
    ("p99 ratio", lambda line: f"{line.p99_ratio:.2f}"),
]
_SHARES: Final[list[Column]] = [
    ("server CPU", lambda line: f"{line.server_share:.0%}"),
    ("client CPU", lambda line: f"{line.client_share:.0%}"),
    ("spread", lambda line: f"{line.spread:.0%}"),
]


def _costs(thing: str, things: str) -> list[Column]:
    return [
        (f"{things}/s", lambda line: f"{line.per_second:,.0f}"),
        (f"CPU µs/{thing}", lambda line: f"{line.cpu_us:.2f}"),
        ("ratio", lambda line: f"{line.cpu_ratio:.2f}"),
        (f"client µs/{thing}", lambda line: f"{line.client_us:.2f}"),
    ]


_COLUMNS: Final[dict[Run, list[Column]]] = {
    "fanout": [
        *_NAMES,
        *_costs("delivery", "deliveries"),
        ("CPU µs/publication", lambda line: f"{line.publication_us:,.0f}"),
        *_LATENCY,
        *_SHARES,
    ],
    "inbound": [*_NAMES, *_costs("message", "messages"), *_LATENCY, *_SHARES],
    "handshake": [*_NAMES, *_costs("handshake", "handshakes"), *_LATENCY, *_SHARES],
    "idle": [
        *_NAMES,
        ("KiB/connection", lambda line: f"{line.kib:.1f}"),
        ("ratio", lambda line: f"{line.kib_ratio:.2f}"),
    ],
}


def markdown(run: Run, lines: Sequence[Figures]) -> str:
    """Return a table that reads well as it is, and as Markdown."""
    columns = _COLUMNS[run]
    rows = [[name for name, _ in columns]]
    rows += [[text(line) for _, text in columns] for line in lines]
    widths = [max(len(row[at]) for row in rows) for at in range(len(columns))]
    rule = [
        "-" * width if at < len(_NAMES) else "-" * (width - 1) + ":"
        for at, width in enumerate(widths)
    ]
    rows.insert(1, rule)
    return "\n".join(_row(row, widths) for row in rows)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    texts = [
        cell.ljust(width) if at < len(_NAMES) else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return f"| {' | '.join(texts)} |"
