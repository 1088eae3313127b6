"""Plugins that are examples use `gatewright` itself, and nothing below it."""

from __future__ import annotations

import ast

import pytest
from tests.support.markdown import ROOT

import gatewright

FILES = [*ROOT.glob("examples/plugins/*/src/**/*.py"), *ROOT.glob("examples/plugin_sink/*.py")]


def imported(path):
    """Yield each module and name that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT / "examples")))
def test_only_public_names_are_imported(path):
    ours = [(module, name) for module, name in imported(path) if module.startswith("gatewright")]
    assert {module for module, _ in ours} <= {"gatewright"}
    assert {name for _, name in ours} <= set(gatewright.__all__)


def test_there_are_examples():
    assert len(FILES) >= 9
