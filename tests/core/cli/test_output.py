import io

import pytest
from rich.console import Console

from gatewright.cli import output


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü ☃", "plain ü ☃"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x9b2J\u202e\ud800", "\\x9b2J\\u202e\\ud800"),
    ],
)
def test_text_from_elsewhere_cannot_steer_a_terminal(text, shown):
    assert output.printable(text) == shown


def test_cells_are_text_and_never_markup():
    out = io.StringIO()

    Console(file=out, width=60).print(output.table(["a"], [["[bold]x[/bold]"]]))

    assert "[bold]x[/bold]" in out.getvalue()


def test_without_a_terminal_lines_are_long_enough_for_a_row():
    assert output.console().width == output.PIPED_WIDTH
