"""Line charts as SVG, drawn by hand: axes, lines with their points, a legend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

__all__ = ["Axis", "Line", "chart"]

WIDTH: Final = 760
HEIGHT: Final = 440
LEFT, RIGHT, TOP, BOTTOM = 76, 24, 44, 56
LEGEND_ROW: Final = 20
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555")
"""Told apart by whoever sees few colours, too."""

_STYLE: Final = 'font-family="sans-serif" font-size="13" fill="#222222"'
_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_TICKS: Final = 6
_GROUP: Final = 1000


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Attributes:
        name: What it shows, for the legend.
        points: Pairs of x and y, in the order of x.
        dashed: Whether it is drawn dashed, to be compared with another one.
    """

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


@dataclass(frozen=True)
class Axis:
    """What is shown along one side of a chart.

    Attributes:
        label: What it is, with its unit.
        logarithmic: Whether equal steps are equal factors. Otherwise it begins at 0.
    """

    label: str
    logarithmic: bool = False


@dataclass(frozen=True)
class _Scale:
    """Where values of an axis stand."""

    ticks: Sequence[float]
    logarithmic: bool
    first: float
    last: float

    def at(self, value: float) -> float:
        """Return where on the axis a value stands, from 0 at its beginning to 1 at its end."""
        low, high = self._along(self.ticks[0]), self._along(self.ticks[-1])
        share = (self._along(value) - low) / (high - low)
        return self.first + share * (self.last - self.first)

    def _along(self, value: float) -> float:
        return math.log10(value) if self.logarithmic else value


def _powers(values: Sequence[float]) -> list[float]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return [10.0**power for power in range(low, max(high, low + 1) + 1)]


def _steps(values: Sequence[float]) -> list[float]:
    high = max(values) or 1.0
    magnitude = 10.0 ** math.floor(math.log10(high / _TICKS))
    step = next(step * magnitude for step in _STEPS if high / (step * magnitude) <= _TICKS)
    return [step * number for number in range(math.ceil(high / step) + 1)]


def _scale(axis: Axis, values: Sequence[float], first: float, last: float) -> _Scale:
    ticks = _powers(values) if axis.logarithmic else _steps(values)
    return _Scale(ticks, axis.logarithmic, first, last)


def chart(title: str, x: Axis, y: Axis, lines: Sequence[Line]) -> str:
    """Return a chart as a document of its own, legible on light and dark pages.

    Values on logarithmic axes are above 0.

    Raises:
        ValueError: There are no points.
    """
    points = [point for line in lines for point in line.points]
    if not points:
        msg = "a chart needs at least one point"
        raise ValueError(msg)
    bottom = HEIGHT - BOTTOM
    across = _scale(x, [at for at, _ in points], LEFT, WIDTH - RIGHT)
    up = _scale(y, [value for _, value in points], bottom, TOP)
    height = HEIGHT + LEGEND_ROW * len(lines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {_STYLE}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(WIDTH / 2, TOP - 20, title, anchor="middle", size=16),
        *_grid_across(across, bottom),
        *_grid_up(up),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, x.label, anchor="middle"),
        _text(18, (TOP + bottom) / 2, y.label, anchor="middle", turned=True),
    ]
    for number, line in enumerate(lines):
        parts += _drawn(line, COLOURS[number % len(COLOURS)], across, up)
        parts += _legend(line, COLOURS[number % len(COLOURS)], HEIGHT + LEGEND_ROW * number)
    return "\n".join([*parts, "</svg>", ""])


def _grid_across(scale: _Scale, bottom: float) -> list[str]:
    parts: list[str] = []
    for tick in scale.ticks:
        at = scale.at(tick)
        parts += [_rule(at, TOP, at, bottom), _text(at, bottom + 18, _number(tick), "middle")]
    return parts


def _grid_up(scale: _Scale) -> list[str]:
    parts: list[str] = []
    for tick in scale.ticks:
        at = scale.at(tick)
        parts += [_rule(LEFT, at, WIDTH - RIGHT, at), _text(LEFT - 8, at + 4, _number(tick), "end")]
    return parts


def _drawn(line: Line, colour: str, across: _Scale, up: _Scale) -> list[str]:
    places = [(across.at(at), up.at(value)) for at, value in line.points]
    path = " ".join(f"{left:.1f},{top:.1f}" for left, top in places)
    dots = [
        f'<circle cx="{left:.1f}" cy="{top:.1f}" r="3.5" fill="{colour}"/>' for left, top in places
    ]
    return [f'<polyline points="{path}" {_stroke(line, colour)}/>', *dots]


def _legend(line: Line, colour: str, top: float) -> list[str]:
    return [
        f'<polyline points="{LEFT},{top} {LEFT + 34},{top}" {_stroke(line, colour)}/>',
        _text(LEFT + 44, top + 4, line.name),
    ]


def _stroke(line: Line, colour: str) -> str:
    dashes = ' stroke-dasharray="6 5"' if line.dashed else ""
    return f'fill="none" stroke="{colour}" stroke-width="2"{dashes}'


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dddddd"/>'


def _text(
    x: float, y: float, text: str, anchor: str = "start", *, size: int = 13, turned: bool = False
) -> str:
    turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{turn}'
    return f"<text {place}>{escape(text)}</text>"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= _GROUP or value == int(value) else f"{value:g}"
