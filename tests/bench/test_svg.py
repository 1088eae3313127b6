"""Charts are documents that a browser reads, with every value where it belongs."""

import xml.etree.ElementTree as ET

import pytest
from bench.svg import Axis, Line, chart

SVG = "{http://www.w3.org/2000/svg}"


def drawn(lines, *, x=None, y=None):
    return ET.fromstring(chart("A & B", x or Axis("x"), y or Axis("y"), lines))  # noqa: S314 - ours


def dots(document):
    return [(float(dot.get("cx")), float(dot.get("cy"))) for dot in document.iter(f"{SVG}circle")]


def texts(document):
    return [text.text for text in document.iter(f"{SVG}text")]


def test_a_chart_has_its_title_its_labels_and_a_legend():
    document = drawn([Line("first", [(1, 2)]), Line("second <3", [(1, 3)])])

    assert {"A & B", "x", "y", "first", "second <3"} <= set(texts(document))
    assert document.find(f"{SVG}title").text == "A & B"


def test_greater_values_stand_higher_and_further_right():
    (left, low), (middle, lower), (right, high) = dots(
        drawn([Line("l", [(1, 5.0), (2, 4.0), (4, 20.0)])])
    )

    assert left < middle < right
    assert lower > low > high  # y grows downward


def test_equal_factors_are_equal_steps_on_a_logarithmic_axis():
    document = drawn([Line("l", [(1, 1), (10, 10), (100, 100)])], x=Axis("x", logarithmic=True))

    first, second, third = (across for across, _ in dots(document))

    assert second - first == pytest.approx(third - second, abs=0.2)


def test_a_linear_axis_begins_at_0_and_holds_every_value():
    document = drawn([Line("l", [(3, 7), (5, 9)])])

    assert texts(document).count("0") == 2
    bounds = [float(value) for value in document.get("viewBox").split()]
    assert all(0 < across < bounds[2] and 0 < up < bounds[3] for across, up in dots(document))


@pytest.mark.parametrize("logarithmic", [False, True])
@pytest.mark.parametrize("value", [0.003, 1, 7, 1000, 123_456])
def test_a_single_value_can_be_drawn(logarithmic, value):
    axis = Axis("a", logarithmic=logarithmic)

    assert len(dots(drawn([Line("l", [(value, value)])], x=axis, y=axis))) == 1


def test_dashed_lines_are_dashed():
    document = drawn([Line("whole", [(1, 1), (2, 2)]), Line("cut", [(1, 2), (2, 1)], dashed=True)])

    dashes = [line.get("stroke-dasharray") for line in document.iter(f"{SVG}polyline")]
    assert dashes.count(None) == 2
    assert len(dashes) == 4


def test_nothing_cannot_be_drawn():
    with pytest.raises(ValueError, match="at least one point"):
        chart("t", Axis("x"), Axis("y"), [Line("l", [])])
