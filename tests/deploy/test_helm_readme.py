"""The chart's README has every value with its default."""

import json
import re

import pytest
import yaml
from tests.support.chart import CHART, RELEASES, template
from tests.support.markdown import ROOT, blocks_of, the_block

PAGE = ROOT / "docs" / "howto" / "kubernetes.md"


def rows():
    text = (CHART / "README.md").read_text()
    (table,) = re.findall(r"<!-- values -->\n(.*?)<!-- /values -->", text, re.DOTALL)
    return re.findall(r"^\| `([^`]+)` \| (.+?) \| (.+) \|$", table, re.MULTILINE)


def values():
    return yaml.safe_load((CHART / "values.yaml").read_text())


def at(path):
    found = values()
    for name in path.split("."):
        found = found[name]
    return found


def leaves(part, prefix=""):
    for name, value in part.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


@pytest.mark.parametrize(("path", "default"), [row[:2] for row in rows()])
def test_a_default_is_the_one_of_the_file(path, default):
    assert default == "see values.yaml" or json.loads(default.strip("`")) == at(path)


def test_every_value_is_in_the_table_once():
    named = [path for path, _, _ in rows()]

    def holding(leaf):
        return [path for path in named if leaf == path or leaf.startswith(f"{path}.")]

    assert {leaf: holding(leaf) for leaf in leaves(values()) if len(holding(leaf)) != 1} == {}


def test_the_tests_change_most_values():
    changed = {leaf for release in RELEASES.values() for leaf in leaves(release)}
    sections = {leaf.split(".")[0] for leaf in changed}

    rest = set(values()) - sections
    assert rest <= {
        *("nameOverride", "fullnameOverride", "resources"),
        *("minReadySeconds", "revisionHistoryLimit", "podSecurityContext", "securityContext"),
    }


@pytest.mark.parametrize(
    "block", [each for each in blocks_of(PAGE) if each.marker == "values"], ids=str
)
def test_values_on_the_page_are_taken(block):
    done = template(yaml.safe_load(block.text))

    assert done.returncode == 0, done.stderr


def test_the_page_has_a_rule_for_the_adapter_that_serves_the_metric():
    (rule,) = yaml.safe_load(the_block("docs/howto/kubernetes.md", "adapter").text)["rules"]

    assert at("autoscaling.metric") in rule["seriesQuery"]
    assert rule["metricsQuery"] == "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)"
    assert set(rule["resources"]["overrides"]) == {"namespace", "pod"}
