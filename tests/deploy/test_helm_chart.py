"""The chart is one that Helm takes, and what it renders is what Kubernetes takes."""

import json
import re
import tomllib

import kubernetes_validate
import pytest
import yaml
from tests.support.chart import (
    CHART,
    NEWEST,
    OLDEST,
    RELEASES,
    helm,
    manifests,
    of_kind,
    refusal,
    template,
    the,
)
from tests.support.markdown import ROOT
from tests.support.rules import RULES

OF_THE_OPERATOR = {"ServiceMonitor", "PrometheusRule"}  # its schemas are not Kubernetes' own


def chart():
    return yaml.safe_load((CHART / "Chart.yaml").read_text())


def test_it_is_for_the_version_of_the_core():
    core = tomllib.loads((ROOT / "core" / "pyproject.toml").read_text())

    assert chart()["appVersion"] == core["project"]["version"]


@pytest.mark.parametrize("release", RELEASES)
def test_helm_finds_nothing_to_complain_about(release, tmp_path):
    (tmp_path / "values.yaml").write_text(json.dumps(RELEASES[release]))

    done = helm("lint", "--strict", str(CHART), "--values", str(tmp_path / "values.yaml"))

    assert done.returncode == 0, done.stdout
    assert "WARNING" not in done.stdout + done.stderr


@pytest.mark.parametrize("kubernetes", [OLDEST, NEWEST])
@pytest.mark.parametrize("release", RELEASES)
def test_kubernetes_takes_every_object(release, kubernetes):
    for manifest in manifests(release, kubernetes):
        if manifest["kind"] not in OF_THE_OPERATOR:
            kubernetes_validate.validate(manifest, kubernetes, strict=True)


def test_a_wrong_object_would_be_noticed():
    wrong = json.loads(json.dumps(the("defaults", "NetworkPolicy")))
    wrong["spec"]["podSelectors"] = wrong["spec"].pop("podSelector")

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, NEWEST, strict=True)


def test_an_older_kubernetes_is_refused():
    done = template({}, kubernetes="1.26.0")

    assert done.returncode != 0
    assert chart()["kubeVersion"] in done.stderr


@pytest.mark.parametrize("release", RELEASES)
def test_no_two_objects_are_the_same_one(release):
    names = [(each["kind"], each["metadata"]["name"]) for each in manifests(release)]

    assert len(names) == len(set(names))
    assert {each["metadata"]["namespace"] for each in manifests(release)} == {"chat"}


def test_two_releases_share_nothing():
    def names(release):
        rendered = yaml.safe_load_all(template({}, name=release).stdout)
        return {(each["kind"], each["metadata"]["name"]) for each in rendered if each}

    assert not names("first") & names("second")


def test_the_rules_are_those_of_the_folder_beside():
    (rule,) = of_kind("everything", "PrometheusRule")

    assert rule["spec"] == yaml.safe_load(RULES.read_text())


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"kindd": "Deployment"}, "kindd"),
        ({"kind": "DaemonSet"}, "kind"),
        ({"service": {"prot": 80}}, "service prot"),
        ({"service": {"port": 70000}}, "service port"),
        ({"replicas": "two"}, "replicas"),
        ({"probes": {"readiness": {"path": "/metrics"}}}, "probes readiness path"),
        ({"secretEnv": {"NOT-A-NAME": "x"}}, "NOT-A-NAME"),
        ({"image": {"digest": "latest"}}, "image digest"),
        ({"config": {"server": {}}}, "config"),
        ({"env": {"LIST": []}}, "env LIST"),
        ({"env": {"NUMBER": 12345678}}, "env NUMBER"),  # Helm would make 1.2345678e+07 of it
        ({"secretEnv": {"NUMBER": 12345678}}, "secretEnv NUMBER"),
    ],
)
def test_the_schema_says_which_value_is_wrong(values, named):
    told = refusal(values)

    _, schema, problem = told.partition("meet the specifications of the schema(s)")
    assert schema, told
    assert set(named.split()) <= set(re.findall(r"[\w-]+", problem))


def test_the_schema_knows_every_value_and_no_other():
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    def differences(part, value, at=""):
        known = part.get("properties")
        if known is None or not isinstance(value, dict):
            return
        assert part["additionalProperties"] is False, at
        names = set(known) - ({"global"} if not at else set())  # Helm's own
        if names != set(value):
            yield at, names ^ set(value)
        for name in names & set(value):
            yield from differences(known[name], value[name], f"{at}/{name}")

    assert dict(differences(schema, values)) == {}


def test_a_chart_of_charts_may_hold_it():
    assert template({"global": {"anything": 1}}).returncode == 0


def test_it_packs_into_an_archive_that_renders_the_same(tmp_path):
    packed = helm("package", str(CHART), "--destination", str(tmp_path))
    assert packed.returncode == 0, packed.stderr
    (archive,) = tmp_path.glob("*.tgz")
    options = ["--namespace", "chat", "--kube-version", NEWEST, "--values", "-"]

    again = helm("template", "gw", str(archive), *options, given=json.dumps(RELEASES["everything"]))

    assert again.stdout == template(RELEASES["everything"]).stdout
