"""What the chart renders fits together, and fits the gateway that it holds."""

import pytest
import yaml
from tests.support.chart import (
    OLDEST,
    RELEASES,
    container,
    gateway_file,
    manifests,
    of_kind,
    template,
    the,
    workload,
)

from gatewright.config.load import load_config
from gatewright.config.settings import ServerSettings

pytestmark = pytest.mark.parametrize("release", RELEASES)

ENVIRON = {"GATEWAY_API_KEY": "k", "JWT_JWKS_URL": "https://id.example.com/keys", "POD_NAME": "p-0"}
SECRETS = ("very-secret-key", "1234567")


def pod(release):
    return workload(release)["spec"]["template"]["spec"]


def labels(release):
    return workload(release)["spec"]["template"]["metadata"]["labels"]


def picks(selector, of):
    return selector.items() <= of.items()


def ports(release):
    return {port["name"]: port["containerPort"] for port in container(release)["ports"]}


def server(release):
    return yaml.safe_load(gateway_file(release))["server"]


def services(release):
    return {each["metadata"]["name"]: each["spec"] for each in of_kind(release, "Service")}


def texts(value):
    """Return every text in a manifest, keys included."""
    if isinstance(value, dict):
        return [text for pair in value.items() for each in pair for text in texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in texts(each)]
    return [str(value)]


def test_the_gateways_file_is_right(release):
    load_config(text=gateway_file(release), environ=ENVIRON)


def test_every_selector_picks_the_pods(release):
    spec = workload(release)["spec"]
    selectors = [
        spec["selector"]["matchLabels"],
        *(each["selector"] for each in services(release).values()),
        *(each["spec"]["podSelector"]["matchLabels"] for each in of_kind(release, "NetworkPolicy")),
        *(
            each["spec"]["selector"]["matchLabels"]
            for each in of_kind(release, "PodDisruptionBudget")
        ),
        *(
            each["labelSelector"]["matchLabels"]
            for each in pod(release).get("topologySpreadConstraints", [])
        ),
    ]

    assert len(selectors) >= 3
    assert all(selector and picks(selector, labels(release)) for selector in selectors)


def test_no_selector_picks_the_pod_of_the_test(release):
    tester = the(release, "Pod")["metadata"]["labels"]

    assert not any(picks(each["selector"], tester) for each in services(release).values())


def test_the_monitor_picks_the_internal_service_alone(release):
    for monitor in of_kind(release, "ServiceMonitor"):
        wanted = monitor["spec"]["selector"]["matchLabels"]
        found = [
            each["metadata"]["name"]
            for each in of_kind(release, "Service")
            if picks(wanted, each["metadata"]["labels"])
        ]
        assert found == ["gw-gatewright-internal"]
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["port"] in {p["name"] for p in services(release)[found[0]]["ports"]}
        assert endpoint["path"] == "/metrics"


def test_the_ports_are_those_of_the_gateways_file(release):
    assert ports(release) == {
        "ws": int(server(release)["bind"].rpartition(":")[2]),
        "internal": int(server(release)["internal_bind"].rpartition(":")[2]),
    }


def test_each_service_leads_to_the_port_of_its_own(release):
    leads = {
        name: [port["targetPort"] for port in each["ports"]]
        for name, each in services(release).items()
    }

    assert leads == {"gw-gatewright": ["ws"], "gw-gatewright-internal": ["internal"]}
    assert services(release)["gw-gatewright-internal"]["type"] == "ClusterIP"


def test_the_ingress_leads_to_the_websocket_and_nowhere_else(release):
    for ingress in of_kind(release, "Ingress"):
        assert len(ingress["spec"]["rules"]) == len(RELEASES[release]["ingress"]["hosts"])
        for rule in ingress["spec"]["rules"]:
            (path,) = rule["http"]["paths"]
            assert (path["path"], path["pathType"]) == (server(release).get("path", "/ws"), "Exact")
            assert path["backend"]["service"] == {"name": "gw-gatewright", "port": {"name": "ws"}}
        assert "internal" not in " ".join(texts(ingress["spec"]))


def test_the_internal_port_is_open_to_some_alone(release):
    for policy in of_kind(release, "NetworkPolicy"):
        rules = {rule["ports"][0]["port"]: rule for rule in policy["spec"]["ingress"]}
        assert set(rules) == {"ws", "internal"}
        assert rules["internal"]["from"]
        assert all(len(rule["ports"]) == 1 for rule in rules.values())


def test_the_probes_ask_for_what_the_gateway_answers(release):
    box = container(release)
    asked = {name: box[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    wanted = RELEASES[release].get("probes", {}).get("readiness", {}).get("path", "/ready")

    assert {each["port"] for each in asked.values()} == {"internal"}
    assert {name: each["path"] for name, each in asked.items()} == {
        "startup": "/health",
        "liveness": "/health",
        "readiness": wanted,
    }


def test_the_startup_probe_waits_for_every_plugin_to_open(release):
    probe = container(release)["startupProbe"]
    seconds = probe["periodSeconds"] * probe["failureThreshold"]

    assert seconds >= 8 * ServerSettings().open_seconds  # one of each kind


def test_nobody_is_killed_while_draining(release):
    defaults = ServerSettings()
    stop = container(release).get("lifecycle", {}).get("preStop", {}).get("sleep", {})
    of_the_gateway = sum(
        server(release).get(name, getattr(defaults, name))
        for name in ("drain_seconds", "flush_seconds")
    )

    grace = pod(release)["terminationGracePeriodSeconds"]

    assert grace > stop.get("seconds", 0) + of_the_gateway
    if "terminationGracePeriodSeconds" not in RELEASES[release]:
        longest = of_the_gateway + 3 * defaults.open_seconds + 20  # then a hanging stop ends itself
        assert grace > stop.get("seconds", 0) + longest


def test_a_pod_that_ends_serves_until_nobody_is_sent_to_it(release):
    wanted = RELEASES[release].get("preStopSeconds", 10)
    (older,) = [
        each for each in manifests(release, OLDEST) if each["kind"] == workload(release)["kind"]
    ]
    (box,) = older["spec"]["template"]["spec"]["containers"]

    if wanted:
        assert container(release)["lifecycle"] == {"preStop": {"sleep": {"seconds": wanted}}}
        program, option, code = box["lifecycle"]["preStop"]["exec"]["command"]
        assert (program, option) == ("python", "-c")
        compile(code, "preStop", "exec")
        assert f"sleep({wanted})" in code
    else:
        assert "lifecycle" not in container(release)
        assert "lifecycle" not in box


def test_a_rollout_takes_no_pod_away_before_another_is_ready(release):
    spec = workload(release)["spec"]

    if workload(release)["kind"] == "Deployment":
        assert spec["strategy"] == {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
        }
    else:
        assert spec["updateStrategy"] == {"type": "RollingUpdate"}
        assert spec["serviceName"] in services(release)


def test_the_autoscaler_takes_the_place_of_a_number(release):
    scalers = of_kind(release, "HorizontalPodAutoscaler")

    assert bool(scalers) != ("replicas" in workload(release)["spec"])
    for scaler in scalers:
        target = scaler["spec"]["scaleTargetRef"]
        assert target["kind"] == workload(release)["kind"]
        assert target["name"] == workload(release)["metadata"]["name"]
        (by_connections,) = [m["pods"] for m in scaler["spec"]["metrics"] if m["type"] == "Pods"]
        assert by_connections["metric"]["name"] == "gatewright_connections"
        by_cpu = [each for each in scaler["spec"]["metrics"] if each["type"] == "Resource"]
        assert bool(by_cpu) == (RELEASES[release]["autoscaling"].get("cpu", 70) is not None)
        assert not by_cpu or container(release)["resources"]["requests"]["cpu"]


def test_some_pod_may_always_be_taken_away(release):
    for budget in of_kind(release, "PodDisruptionBudget"):
        spec = budget["spec"]
        assert len({"maxUnavailable", "minAvailable"} & set(spec)) == 1
        assert spec.get("maxUnavailable") != 0
        assert spec.get("minAvailable") != "100%"


def test_pods_may_as_little_as_they_need(release):
    for spec in (pod(release), the(release, "Pod")["spec"]):
        (box,) = spec["containers"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert box["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert box["resources"]["limits"]["memory"]


def test_every_mount_has_its_volume_and_what_is_written_is_on_one(release):
    claims = workload(release)["spec"].get("volumeClaimTemplates", [])
    volumes = {each["name"] for each in pod(release)["volumes"]}
    volumes |= {each["metadata"]["name"] for each in claims}
    mounts = {each["mountPath"]: each for each in container(release)["volumeMounts"]}

    assert {each["name"] for each in mounts.values()} == volumes
    assert mounts["/etc/gatewright"]["readOnly"] is True
    assert not mounts["/var/lib/gatewright"].get("readOnly")
    assert bool(claims) == RELEASES[release].get("persistence", {}).get("enabled", False)


def test_the_command_reads_the_file_that_is_mounted(release):
    path = container(release)["args"][-1]
    (volume,) = [each for each in pod(release)["volumes"] if each["name"] == "config"]
    config = the(release, "ConfigMap")

    assert container(release)["args"] == ["serve", "-c", path]
    assert path == "/etc/gatewright/" + next(iter(config["data"]))
    assert volume["configMap"]["name"] == config["metadata"]["name"]


def test_secrets_are_in_the_secret_alone(release):
    for each in manifests(release):
        written = " ".join(texts(each))
        held = [secret for secret in SECRETS if secret in written]
        assert held == ([*SECRETS] if each["kind"] == "Secret" else [])


def test_the_pod_reads_every_secret_that_there_is(release):
    read = [each["secretRef"]["name"] for each in container(release).get("envFrom", [])]
    made = [each["metadata"]["name"] for each in of_kind(release, "Secret")]
    given = RELEASES[release].get("existingSecret")

    assert read == [*([given] if given else []), *made]
    assert bool(made) == ("secretEnv" in RELEASES[release])


def test_variables_arrive_as_they_are_given(release):
    values = RELEASES[release]
    given = values.get("env", {}) | values.get("secretEnv", {})
    arrive = {each["name"]: each["value"] for each in container(release)["env"] if "value" in each}
    for secret in of_kind(release, "Secret"):
        arrive |= secret["stringData"]

    assert arrive == given


@pytest.mark.parametrize("change", ["config", "secret"])
def test_what_changes_rolls_the_pods(release, change):
    mark = f"checksum/{change}"
    values = RELEASES[release]
    changed = (
        {"config": gateway_file(release) + "# changed\n"}
        if change == "config"
        else {"secretEnv": {**values.get("secretEnv", {}), "NEW": "x"}}
    )
    rendered = [each for each in yaml.safe_load_all(template(values | changed).stdout) if each]
    (now,) = [each for each in rendered if each["kind"] == workload(release)["kind"]]

    before = workload(release)["spec"]["template"]["metadata"]["annotations"]
    after = now["spec"]["template"]["metadata"]["annotations"]

    assert {name for name in before if before[name] != after[name]} == {mark}
