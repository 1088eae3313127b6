"""The dashboard and the alerts ask for what gateways serve, in queries that Prometheus can read."""

import json
import re

import pytest
import yaml
from tests.support.gateway import gateway
from tests.support.markdown import ROOT
from tests.support.rules import alerts, grouped_by, labels_of, metrics_of, promtool

from gatewright.metrics import Metrics

pytestmark = pytest.mark.anyio

BOARD = json.loads((ROOT / "deploy" / "grafana" / "gatewright.json").read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
OF_THE_SCRAPE = {"job", "instance", "le"}

EVERYTHING = """
server: {{bind: "127.0.0.1:0", internal_bind: "127.0.0.1:0"}}
transports:
  http: {{api_keys: [test-key]}}
  redis_stream: {{dsn: "{dsn}"}}
bus: {{redis: {{dsn: "{dsn}"}}}}
presence: {{redis: {{dsn: "{dsn}"}}}}
events:
  webhook: {{url: "http://127.0.0.1:1/", attempts: 1}}
"""
TOKENS = """
auth: {jwt: {jwks_url: "http://127.0.0.1:1/keys"}}
"""


def queries(panel):
    return [target["expr"] for target in panel["targets"]]


def plain(query):
    """Return a query of the dashboard with values in place of its variables."""
    return query.replace("$__rate_interval", "5m").replace("$job", ".*").replace("$instance", ".*")


ALL = [plain(query) for panel in PANELS for query in queries(panel)]


def served(text):
    """Return the labels of every metric in the text of a scrape."""
    found = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            suffixes = ("_bucket", "_count", "_sum") if kind == "histogram" else ("",)
            for suffix in suffixes:
                found.setdefault(name + suffix, set())
        elif not line.startswith("#"):
            name, _, labels = line.rpartition(" ")[0].partition("{")
            found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


def declared():
    """Return the labels of the core's metrics, those included that nothing has counted yet."""
    metrics = [each for each in vars(Metrics()).values() if hasattr(each, "describe")]
    return {
        family.name + ("_total" if family.type == "counter" else ""): set(metric._labelnames)
        for metric in metrics
        if hasattr(metric, "_labelnames")
        for family in metric.describe()
    }


async def scrape(running):
    return (await running.get("/metrics")).text


async def test_every_metric_and_label_is_one_that_a_gateway_serves(tmp_path, redis):
    for name in ("all", "tokens"):
        (tmp_path / name).mkdir()
    async with gateway(tmp_path / "all", EVERYTHING.format(dsn=redis.dsn)) as running:
        async with running.socket() as client:
            await running.publish("hello")
            await client.recv()
        text = await scrape(running)
    async with gateway(tmp_path / "tokens", TOKENS) as running:
        async with running.socket("nobody") as client:
            await client.wait_closed()
        text += await scrape(running)
    labels = served(text)
    for name, names in declared().items():
        assert name in labels or f"{name}_bucket" in labels, name
        labels.setdefault(name, set()).update(names)
        labels.setdefault(f"{name}_bucket", set()).update(names)

    asked = [*ALL, *(rule["expr"] for rule in alerts().values())]

    for query in asked:
        metrics = metrics_of(query) - {"up"}
        assert metrics <= set(labels), query
        known = OF_THE_SCRAPE.union(*(labels[name] for name in metrics))
        for name, label in labels_of(query):
            assert name == "up" or label in labels[name] | OF_THE_SCRAPE, (query, label)
        assert grouped_by(query) <= known, query


def test_every_query_can_be_read(tmp_path):
    rules = [{"record": f"panel:{index}", "expr": query} for index, query in enumerate(ALL)]
    (tmp_path / "queries.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]})
    )

    code, told = promtool("check", "rules", str(tmp_path / "queries.yaml"))

    assert code == 0, told
    assert f"{len(ALL)} rules found" in told


def test_legends_name_labels_that_are_left():
    for panel in PANELS:
        for target in panel["targets"]:
            named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            summed = re.search(r"\b(?:sum|max|min|count)\b", target["expr"])
            assert not summed or named <= grouped_by(target["expr"]), panel["title"]


def test_it_shows_every_metric_of_the_core():
    shown = set().union(*(metrics_of(query) for query in ALL))

    assert {name for name in declared() if not {name, f"{name}_bucket"} & shown} == set()


def test_every_query_is_for_the_chosen_source_and_nodes():
    for panel in PANELS:
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}"
            metrics = re.findall(r"(\w+)\{", target["expr"])
            chosen = re.findall(r'\{job=~"\$job", instance=~"\$instance"', target["expr"])
            assert len(chosen) == len(metrics) == len(metrics_of(target["expr"])), panel["title"]


def test_the_variables_are_source_job_and_node():
    names = [each["name"] for each in BOARD["templating"]["list"]]
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(BOARD))) - {"__rate_interval", "__all"}

    assert names == ["datasource", "job", "instance"]
    assert used == set(names)


def test_panels_lie_side_by_side_and_say_what_they_are():
    taken = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not taken & cells, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    assert all(panel["description"] and panel["fieldConfig"] for panel in PANELS)
