"""Values that would make a release that does not work are refused, with what to do."""

import json

import pytest
from tests.support.chart import CHART, helm, refusal, template


def config(**server):
    given = {"bind": "0.0.0.0:8000", "internal_bind": "0.0.0.0:8001"} | server
    given = {name: value for name, value in given.items() if value is not None}
    return {"config": json.dumps({"server": given, "auth": {"anonymous": {}}})}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"config": "a: ["}, "config: not YAML"),
        (config(bind=None), "server.bind is missing"),
        (config(internal_bind=None), "server.internal_bind for /internal and /metrics"),
        (config(internal_bind="0.0.0.0:8000"), "both have port 8000; give them different ones"),
        (config(bind="127.0.0.1:8000"), "nobody outside the pod reaches; write 0.0.0.0:8000"),
        (config(internal_bind="localhost:8001"), "nobody outside the pod reaches"),
        (config(bind="unix:/run/gateway"), "must be host:port, written out"),
        (config(bind="${BIND}"), 'found "${BIND}"'),
        (config(bind="0.0.0.0:0"), "a port from 1 to 65535"),
        (config(bind="0.0.0.0:65536"), "a port from 1 to 65535"),
        (config(path="${WS_PATH}"), "server.path must be written out"),
        (config(drain_seconds="${DRAIN}"), "server.drain_seconds must be a number, written out"),
        (config(open_seconds=-1), "server.open_seconds must be a number"),
        (
            {"terminationGracePeriodSeconds": 25},
            "more than preStopSeconds (10) + drain_seconds and flush_seconds of config (15)",
        ),
        (
            config(drain_seconds=300) | {"terminationGracePeriodSeconds": 60},
            "pods are killed while they drain",
        ),
        ({"persistence": {"enabled": True}}, "persistence.enabled needs kind: StatefulSet"),
        ({"ingress": {"enabled": True}}, "ingress.hosts is empty"),
        (
            {"autoscaling": {"enabled": True, "minReplicas": 5, "maxReplicas": 2}},
            "autoscaling.minReplicas (5) is more than autoscaling.maxReplicas (2)",
        ),
        (
            {"autoscaling": {"enabled": True, "connections": None, "cpu": None}},
            "has nothing to go by",
        ),
        (
            {"autoscaling": {"enabled": True}, "resources": {"requests": {"cpu": None}}},
            "autoscaling.cpu is a share of resources.requests.cpu, which is missing",
        ),
        ({"podDisruptionBudget": {"minAvailable": 2}}, "minAvailable is 2 of 2 pods"),
        ({"podDisruptionBudget": {"minAvailable": "100%"}}, "no machine could ever be emptied"),
        ({"env": {"KEY": "a"}, "secretEnv": {"KEY": "b"}}, "KEY is in env and in secretEnv"),
    ],
)
def test_it_is_refused(values, told):
    assert told in refusal(values)


def test_a_refusal_holds_no_secret():
    assert "hidden" not in refusal({"env": {"KEY": "a"}, "secretEnv": {"KEY": "hidden"}})


@pytest.mark.parametrize(
    "values",
    [
        {"terminationGracePeriodSeconds": 26},
        {"podDisruptionBudget": {"minAvailable": 1}},
        {"podDisruptionBudget": {"enabled": False, "minAvailable": 9}},
        config(bind="[::]:8000"),
        config(drain_seconds=0, flush_seconds=0),
        config(drain_seconds="12.5"),
    ],
)
def test_what_is_just_right_passes(values):
    done = template(values)

    assert done.returncode == 0, done.stderr


def test_it_says_what_to_look_at(tmp_path):
    def notes(values):
        (tmp_path / "values.yaml").write_text(json.dumps(values))
        options = ["--dry-run=client", "--values", str(tmp_path / "values.yaml")]
        done = helm("install", "gw", str(CHART), *options)
        assert done.returncode == 0, done.stderr
        return done.stdout.partition("NOTES:")[2]

    kept_nowhere = notes(config())
    whole = notes(
        {
            "existingSecret": "s",
            "ingress": {
                "enabled": True,
                "hosts": ["a.example.com"],
                "tls": [{"secretName": "t"}],
            },
        }
    )

    assert "No secret is given" in kept_nowhere
    assert "no store for dead letters" in kept_nowhere
    assert "wss://a.example.com/ws" in whole
    assert "secret is given" not in whole
    assert "dead letters" not in whole
    assert "killed after 80 s" in whole
