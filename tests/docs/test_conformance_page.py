"""The page of the rules has those that there are."""

import re
import sys

from scripts import conformance_page

from gatewright.testing.conformance import Conformance, rules_of


def test_the_page_is_as_the_suites_are():
    text = conformance_page.PAGE.read_text()

    assert conformance_page.renewed(text) == text, "run: python scripts/conformance_page.py"


def test_every_rule_has_its_row_and_no_number_is_used_twice():
    rows = re.findall(r"^\| ([A-Z]+-\d+) \|", conformance_page.PAGE.read_text(), re.MULTILINE)
    suites = [Conformance, *conformance_page.suites()]

    assert len(suites) > 1
    assert {rule.number for suite in suites for rule in rules_of(suite)} == set(rows)
    assert len(rows) == len(set(rows))


def test_each_case_is_told_with_what_it_asks_for():
    for suite in conformance_page.suites():
        assert suite.__name__ in conformance_page.PAGE.read_text()
    assert "- `bad_tokens`: Tokens that are refused" in conformance_page.PAGE.read_text()


def test_the_script_tells_what_is_stale_and_mends_it(tmp_path, monkeypatch, capsys):
    page = tmp_path / "docs" / "conformance.md"
    page.parent.mkdir()
    marks = "<!-- rules -->\n<!-- /rules -->\n"
    page.write_text(marks)
    monkeypatch.setattr(conformance_page, "ROOT", tmp_path)
    monkeypatch.setattr(conformance_page, "PAGE", page)

    monkeypatch.setattr(sys, "argv", ["conformance_page.py", "--check"])
    assert conformance_page.main() == 1
    assert page.read_text() == marks
    assert "docs/conformance.md: out of date" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["conformance_page.py"])
    assert conformance_page.main() == 0
    assert "| ALL-1 |" in page.read_text()
