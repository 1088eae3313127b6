"""The Helm chart, rendered by Helm itself."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache

import yaml
from tests.support.markdown import ROOT

CHART = ROOT / "deploy" / "helm" / "gatewright"
NEWEST, OLDEST = "1.35.0", "1.27.0"

# Releases that differ as much as they can, by their values.
RELEASES = {
    "defaults": {},
    "everything": {
        "replicas": 3,
        "image": {"repository": "registry.example.com/gatewright", "tag": "9.9.9"},
        "imagePullSecrets": [{"name": "pull"}],
        "env": {"REDIS_DSN": "redis://redis:6379", "PIN": "0080"},
        "extraEnv": [
            {"name": "HOST_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}
        ],
        "secretEnv": {"GATEWAY_API_KEY": "very-secret-key", "WEBHOOK_SECRET": "1234567"},
        "existingSecret": "more-secrets",
        "extraVolumes": [{"name": "keys", "configMap": {"name": "keys"}}],
        "extraVolumeMounts": [{"name": "keys", "mountPath": "/keys", "readOnly": True}],
        "podAnnotations": {"example.com/a": "b"},
        "podLabels": {"team": "chat"},
        "priorityClassName": "high",
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "spot", "operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}},
        "service": {"type": "LoadBalancer", "port": 443, "annotations": {"a": "b"}},
        "internalService": {"annotations": {"a": "b"}},
        "ingress": {
            "enabled": True,
            "className": "nginx",
            "annotations": {"nginx.ingress.kubernetes.io/proxy-read-timeout": "60"},
            "hosts": ["a.example.com", "b.example.com"],
            "tls": [{"secretName": "tls", "hosts": ["a.example.com"]}],
        },
        "networkPolicy": {
            "publicFrom": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}]
        },
        "autoscaling": {"enabled": True, "minReplicas": 3, "maxReplicas": 30},
        "serviceAccount": {"name": "somebody", "annotations": {"a": "b"}},
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    },
    "stateful": {
        "kind": "StatefulSet",
        "persistence": {"enabled": True, "storageClass": "fast", "size": "5Gi"},
        "podDisruptionBudget": {"minAvailable": "50%"},
        "autoscaling": {"enabled": True, "connections": 5000},
        "terminationGracePeriodSeconds": 60,
        "preStopSeconds": 5,
        "probes": {"readiness": {"path": "/health"}},
        "config": (
            "server: {bind: '[::]:9000', internal_bind: '0.0.0.0:9001', path: /live,"
            " drain_seconds: 20, flush_seconds: 2.5, node_id: '${POD_NAME}'}\n"
            "auth: {anonymous: }\n"
        ),
    },
    "bare": {
        "replicas": 1,
        "preStopSeconds": 0,
        "serviceAccount": {"create": False},
        "networkPolicy": {"enabled": False},
        "podDisruptionBudget": {"enabled": False},
        "topologySpreadConstraints": [],
        "autoscaling": {"enabled": True, "cpu": None},
    },
}


def helm(*words, given=None):
    """Run Helm with what it reads on its standard input; return the finished process."""
    local = ROOT / "build" / "tools" / "helm"
    found = str(local) if local.is_file() else shutil.which("helm")
    assert found, "helm is not installed; run: make helm"
    return subprocess.run(
        [found, *words], input=given, capture_output=True, text=True, check=False, timeout=50
    )


def template(values, *words, name="gw", kubernetes=NEWEST):
    """Have Helm render the chart; return the finished process."""
    options = ["--namespace", "chat", "--kube-version", kubernetes, "--values", "-", *words]
    return helm("template", name, str(CHART), *options, given=json.dumps(values))


@cache
def manifests(release, kubernetes=NEWEST):
    """Return what Kubernetes would get for one of the releases above."""
    done = template(RELEASES[release], kubernetes=kubernetes)
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def of_kind(release, kind):
    """Return a release's objects of a kind."""
    return [each for each in manifests(release) if each["kind"] == kind]


def the(release, kind):
    """Return a release's one object of a kind."""
    (found,) = of_kind(release, kind)
    return found


def workload(release):
    """Return the Deployment or StatefulSet of a release."""
    (found,) = [*of_kind(release, "Deployment"), *of_kind(release, "StatefulSet")]
    return found


def container(release):
    """Return the container of a release's pods."""
    (found,) = workload(release)["spec"]["template"]["spec"]["containers"]
    return found


def gateway_file(release):
    """Return the gateway's file as the pods of a release see it."""
    return the(release, "ConfigMap")["data"]["gateway.yaml"]


def refusal(values):
    """Return what Helm says of values that must not pass."""
    done = template(values)
    assert done.returncode != 0, done.stdout
    return done.stderr
