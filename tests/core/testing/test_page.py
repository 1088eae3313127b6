"""The page about testing: its examples are tests that pass, its table has every fixture."""

from __future__ import annotations

import re

from tests.support.markdown import ROOT, blocks_of

from gatewright.testing import plugin

PAGE = ROOT / "docs" / "testing.md"


def test_the_examples_pass(pytester):
    blocks = [block for block in blocks_of(PAGE, "python") if block.marker == "test"]
    (opting_in,) = [block for block in blocks_of(PAGE, "python") if block.marker == ""]
    pytester.makeconftest(opting_in.text)
    for block in blocks:
        pytester.makepyfile(**{f"test_line_{block.line}": block.text})
    tests = sum(block.text.count("\nasync def test_") for block in blocks)
    assert tests == 7
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=tests)


def test_every_fixture_has_its_row():
    told = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    fixtures = {name for name in plugin.__all__ if not name.startswith("pytest_")}
    assert len(told) == len(fixtures)
    assert set(told) == fixtures
