"""The pages name the options, plugins and metrics there are, and no others."""

import re
import sys

import pytest
from scripts import option_tables
from tests.support.markdown import ROOT

from gatewright.config.plugins import DEFAULTS, ONE_OF
from gatewright.config.settings import CoreSettings
from gatewright.metrics import Metrics
from gatewright.plugin.catalogue import Catalogue
from gatewright.plugin.manager import PluginManager
from gatewright.plugin.spec import KINDS, section_of

CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()
OURS = [
    entry for entry in Catalogue.installed().plugins if entry.distribution.startswith("gatewright")
]
READMES = {
    entry.distribution: entry.distribution.removeprefix("gatewright-").replace("-", "_")
    for entry in OURS
    if entry.distribution != "gatewright"
}


def rows(text):
    """Yield the cells of every table row."""
    for line in text.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def named(cells, column):
    return cells[column].strip(" `")


@pytest.mark.parametrize("page", option_tables.pages(), ids=lambda page: page.name)
def test_tables_are_as_the_models_are(page):
    text = page.read_text()

    assert option_tables.renewed(text) == text, "run: python scripts/option_tables.py"


def test_a_changed_default_makes_a_table_stale():
    text = CONFIGURATION.replace("`127.0.0.1:8180`", "`127.0.0.1:8000`")

    assert option_tables.renewed(text) == CONFIGURATION != text


def test_the_script_tells_what_is_stale_and_mends_it(tmp_path, monkeypatch, capsys):
    page = tmp_path / "docs" / "page.md"
    page.parent.mkdir()
    marks = "<!-- options: gatewright.config.settings:TlsSettings -->\n<!-- /options -->\n"
    page.write_text(marks)
    monkeypatch.setattr(option_tables, "ROOT", tmp_path)

    monkeypatch.setattr(sys, "argv", ["option_tables.py", "--check"])
    assert option_tables.main() == 1
    assert page.read_text() == marks
    assert "docs/page.md: out of date" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["option_tables.py"])
    assert option_tables.main() == 0
    assert "| `certificate` | path | required |" in page.read_text()


def test_every_section_of_the_core_has_a_table():
    shown = set(re.findall(r"<!-- options: gatewright\.config\.settings:(\w+)", CONFIGURATION))

    models = {info.annotation.__name__ for info in CoreSettings.model_fields.values()}
    assert shown == models | {"TlsSettings", "DeflateSettings"}
    for section in CoreSettings.model_fields:
        assert f"\n### {section}\n" in CONFIGURATION


def test_the_kinds_are_there_with_their_defaults():
    table = {
        named(cells, 0): cells
        for cells in rows(CONFIGURATION.partition("## Plugins")[2].partition("## enabled")[0])
    }

    assert list(table) != []
    assert set(table) == {section_of(kind) for kind in KINDS}
    for kind in KINDS:
        _, how_many, without = table[section_of(kind)]
        assert ("one" in how_many) is (kind in ONE_OF)
        assert (DEFAULTS.get(kind, "") in without) is True
        assert (f"`{DEFAULTS.get(kind)}`" in without) is (kind in DEFAULTS)


@pytest.mark.parametrize("page", ["README.md", "docs/configuration.md"])
def test_every_plugin_is_there(page):
    found = {(named(cells, 0), named(cells, 1)) for cells in rows((ROOT / page).read_text())}

    assert {(section_of(entry.kind), entry.name) for entry in OURS} - found == set()


@pytest.mark.parametrize("entry", [e for e in OURS if e.distribution in READMES], ids=str)
def test_every_option_of_a_plugin_is_in_its_readme(entry):
    text = (ROOT / "plugins" / READMES[entry.distribution] / "README.md").read_text()
    heading = "## Dead letters" if entry.kind == "dead_letters" else "## Options"
    options = text.partition(heading)[2].partition("\n## ")[0]
    model = PluginManager().load(entry.kind, entry.name).factory.settings

    assert {named(cells, 0) for cells in rows(options)} == set(model.model_fields)


def test_every_metric_is_there_with_its_type_and_labels():
    page = (ROOT / "docs" / "operations.md").read_text().partition("## Metrics")[2]
    shown = {
        named(cells, 0): (cells[1], tuple(re.findall(r"`(\w+)`", cells[2])))
        for cells in rows(page.partition("\n## ")[0])
    }
    metrics = Metrics()
    there = {
        metric._name: (metric._type, tuple(metric._labelnames))
        for metric in vars(metrics).values()
        if metric is not metrics.registry
    }

    assert shown == there


def test_every_file_that_the_architecture_names_is_there():
    page = (ROOT / "docs" / "architecture.md").read_text()
    package = ROOT / "core" / "src" / "gatewright"
    areas = "wire|plugin|config|hub|session|events|server|builtin|cli"
    paths = re.findall(rf"`((?:{areas})/\w*(?:\.py)?|metrics\.py)`", page)
    lanes = re.findall(r"`(\w+\.py)`", page.partition("## Lanes")[2].partition("\n## ")[0])

    assert len(paths) > 30
    assert [path for path in paths if not (package / path).exists()] == []
    assert [name for name in lanes if not (package / "events" / name).exists()] == []


def test_the_architecture_names_every_folder():
    page = (ROOT / "docs" / "architecture.md").read_text()
    package = ROOT / "core" / "src" / "gatewright"
    folders = {path.parent.name for path in package.glob("*/__init__.py")}

    assert {folder for folder in folders if f"\n  {folder}/ " not in page} == set()
