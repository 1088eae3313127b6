"""How the cost of a publication grows with those who hear it: cases and plots."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.cases import Case, timed
from bench.svg import Axis, Line, chart
from bench.table import Figures
from bench.targets import TARGETS

__all__ = ["cases", "plots"]


def cases(
    targets: Sequence[str],
    *,
    connections: Sequence[int],
    subjects: Sequence[int],
    window: int,
    seconds: float,
) -> list[Case]:
    """Return the cases: one subject that ever more hear, then ever more subjects, one client each.

    Args:
        targets: The servers; of the second kind of case only those whose publications name users.
        connections: How many clients hear the one subject.
        subjects: How many subjects each publication names.
        window: How many publications are on their way at a time.
        seconds: How long each measurement takes.
    """
    addressing = [name for name in targets if TARGETS[name].addresses]

    def options(count: int) -> dict[str, float]:
        return {"connections": count, "window": window, **timed(seconds)}

    one_subject = [
        Case("fanout", f"1 subject, {_counted(count, 'connection')}", options(count), targets)
        for count in connections
    ]
    one_each = [
        Case(
            "fanout",
            f"{_counted(count, 'subject')}, 1 connection each",
            options(count),
            addressing,
            users=count,
        )
        for count in subjects
    ]
    return one_subject + (one_each if addressing else [])


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'s' * (count != 1)}"


def plots(lines: Sequence[Figures]) -> Mapping[str, str]:
    """Return the plots that the figures allow, as SVG by the names of their files."""
    one_subject = [line for line in lines if not line.users]
    one_each = [line for line in lines if line.users]
    documents: dict[str, str] = {}
    if one_subject:
        documents["growth-connections.svg"] = chart(
            "A delivery, as connections grow",
            Axis("connections that hear the publication", logarithmic=True),
            Axis("CPU µs per delivery"),
            _lines(one_subject, "{}", lambda line: line.cpu_us),
        )
    if one_each:
        documents["growth-subjects.svg"] = chart(
            "A publication, as its subjects grow",
            Axis("subjects with one connection each, or connections of one", logarithmic=True),
            Axis("CPU µs per publication", logarithmic=True),
            [
                *_lines(one_each, "{}, one subject for each", lambda line: line.publication_us),
                *_lines(
                    one_subject,
                    "{}, one subject for all",
                    lambda line: line.publication_us,
                    dashed=True,
                ),
            ],
        )
    return documents


def _lines(
    lines: Sequence[Figures],
    name: str,
    value: Callable[[Figures], float],
    *,
    dashed: bool = False,
) -> list[Line]:
    points: dict[str, list[tuple[float, float]]] = {}
    for line in sorted(lines, key=lambda line: line.connections):
        points.setdefault(line.server, []).append((line.connections, value(line)))
    return [Line(name.format(server), places, dashed) for server, places in points.items()]
