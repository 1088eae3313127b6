"""The reference pages have what there is, and the script that writes them tells of drift."""

import re
import sys

import pytest
from scripts import reference_pages
from tests.support.markdown import ROOT

import gatewright
from gatewright.plugin import protocols, spec
from gatewright.wire import close_codes


def page(name):
    return (ROOT / "docs" / "reference" / name).read_text()


def headings(text, level):
    return re.findall(rf"^{'#' * level} (.+)$", text, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(reference_pages.pages()))
def test_the_page_is_as_the_code_is(name):
    assert reference_pages.pages()[name] == page(name), f"run: {reference_pages.TO_RENEW}"


def test_every_public_name_is_told_once():
    told = [*headings(page("hooks.md"), 3), *headings(page("api.md"), 3)]

    assert sorted(told) == sorted(gatewright.__all__)


def test_every_kind_has_its_hook_and_protocol():
    text = page("hooks.md")

    sections = headings(text, 2)[: len(spec.KINDS)]
    assert sections == [spec.section_of(kind) for kind in spec.KINDS]
    assert set(headings(text, 3)) == set(protocols.__all__)
    for kind in spec.KINDS:
        assert f"def gatewright_{kind}() -> Factory[" in text


def test_what_docstrings_list_becomes_a_list():
    assert "Raises:\n\n- `AuthenticationError`: The client is refused" in page("hooks.md")
    assert "Fields:\n\n- `path`: The request path" in page("api.md")


def test_every_command_is_there_with_those_below_it():
    told = headings(page("commands.md"), 2)

    assert {"gatewright serve", "gatewright config check", "gatewright publish"} < set(told)
    assert len(told) == len(set(told))


def test_the_page_of_close_codes_has_those_of_the_code():
    text = (ROOT / "docs" / "close-codes.md").read_text()
    told = re.findall(r"^\| (\d{4}) \| gateway", text, re.MULTILINE)
    sent = {getattr(close_codes, name) for name in close_codes.__all__} - {close_codes.ABNORMAL}

    assert {int(code) for code in told} == sent


def test_the_script_tells_what_is_stale_and_mends_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reference_pages, "FOLDER", tmp_path / "reference")

    monkeypatch.setattr(sys, "argv", ["reference_pages.py", "--check"])
    assert reference_pages.main() == 1
    assert not (tmp_path / "reference").exists()
    assert "docs/reference/hooks.md: out of date" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["reference_pages.py"])
    assert reference_pages.main() == 0
    assert (tmp_path / "reference" / "hooks.md").read_text() == page("hooks.md")
