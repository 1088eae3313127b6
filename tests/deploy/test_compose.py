"""The Compose files: what Compose itself says of them, and what they come to."""

import ipaddress
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.support.compose import COMPOSE, compose, gateways, resolved
from tests.support.markdown import ROOT
from tests.support.tokens import public_pem

from gatewright.config.load import load_config
from gatewright.testing.ports import free_port

FILES = ["embedded", "brokers", "production"]
INTERNAL = {8001, 6379, 5672, 8080}
VARIABLE = re.compile(r"\$\{(\w+)")


@pytest.fixture(scope="module")
def projects():
    return {name: resolved(name, profiles=["demo"]) for name in FILES}


@pytest.fixture(params=FILES)
def project(request, projects):
    return projects[request.param]


def example(name):
    lines = (COMPOSE / f"{name}.env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def target(port):
    """Return the port of the container, whichever way Compose writes it."""
    return (
        int(port["target"])
        if isinstance(port, dict)
        else int(str(port).split(":")[-1].split("/")[0])
    )


def on_loopback(port):
    address = port.get("host_ip") if isinstance(port, dict) else str(port).split(":")[0]
    return address == "127.0.0.1"


def seconds(text):
    """Return a duration in seconds, ``75s`` or ``1m15s``."""
    parts = re.findall(r"(\d+)([ms])", text)
    return sum(int(number) * {"m": 60, "s": 1}[unit] for number, unit in parts)


def gateway_config(name, service, tmp_path):
    """Return a gateway's configuration, as it is with its service's environment alone."""
    key = tmp_path / "public.pem"
    key.write_bytes(public_pem())
    text = (COMPOSE / f"{name}.gateway.yaml").read_text()
    text = text.replace("/run/secrets/jwt_public_key", str(key))
    environ = {name: str(value or "") for name, value in service["environment"].items()}
    return load_config(text=text, environ=environ, name=f"{name}.gateway.yaml")


def test_no_file_is_forgotten_here():
    found = {file.name for file in COMPOSE.glob("*.yaml")}
    expected = {f"{name}{ending}.yaml" for name in FILES for ending in ("", ".gateway")}

    assert found == expected | {"production.certificates.yaml"}


@pytest.mark.parametrize("name", FILES)
def test_compose_takes_it_with_the_example_s_environment(name):
    assert compose(name, environ=COMPOSE / f"{name}.env.example").returncode == 0


@pytest.mark.parametrize("name", FILES)
def test_compose_says_what_is_missing_without_one(name, tmp_path):
    (tmp_path / "empty").write_text("")
    done = compose(name, environ=tmp_path / "empty")

    assert done.returncode != 0
    assert re.search(r"\b(GATEWAY_API_KEY|ALLOWED_ORIGIN|RABBITMQ_PASSWORD)\b", done.stderr)
    assert "set it in .env" in done.stderr


@pytest.mark.parametrize("name", FILES)
def test_the_example_has_every_variable_and_no_other(name):
    text = (COMPOSE / f"{name}.yaml").read_text()
    if name == "production":
        text += (COMPOSE / "production.certificates.yaml").read_text()

    assert set(example(name)) == {"COMPOSE_PROJECT_NAME", *VARIABLE.findall(text)}


@pytest.mark.parametrize("name", FILES)
def test_the_gateway_gets_every_variable_that_its_file_reads(name, projects, tmp_path):
    text = (COMPOSE / f"{name}.gateway.yaml").read_text()
    read = set(VARIABLE.findall(text)) | set(re.findall(r"\benv: (\w+)", text))

    for service in gateways(projects[name]).values():
        assert set(service["environment"]) == read
        assert gateway_config(name, service, tmp_path).core.server.bind == "0.0.0.0:8000"


def test_every_image_has_a_tag_that_does_not_move_far(project):
    for name, service in project["services"].items():
        _, _, tag = service["image"].partition(":")
        assert re.match(r"v?\d+\.\d+", tag), name


def test_the_gateway_s_image_is_the_core_s_version(project):
    core = (ROOT / "core" / "pyproject.toml").read_text()
    (version,) = re.findall(r'^version = "(.*)"$', core, re.MULTILINE)

    assert {one["image"] for one in gateways(project).values()} == {f"gatewright:{version}"}
    for one in gateways(project).values():
        assert (Path(one["build"]["context"]) / one["build"]["dockerfile"]).is_file()


def test_no_internal_port_is_published(project):
    for name, service in project["services"].items():
        for port in service.get("ports", []):
            assert target(port) not in INTERNAL, name
            assert target(port) == 443 or on_loopback(port), f"{name}: {port}"


def test_production_publishes_port_443_alone(projects):
    published = {
        name: [target(port) for port in service["ports"]]
        for name, service in projects["production"]["services"].items()
        if service.get("ports")
    }

    assert published == {"traefik": [443]}


@pytest.mark.parametrize("name", FILES)
def test_the_backends_port_is_another_than_the_clients(name, projects, tmp_path):
    for service in gateways(projects[name]).values():
        server = gateway_config(name, service, tmp_path).core.server
        assert server.internal_bind == "0.0.0.0:8001"


@pytest.mark.parametrize("name", FILES)
def test_a_gateway_is_killed_only_after_the_longest_stop(name, projects, tmp_path):
    for service in gateways(projects[name]).values():
        server = gateway_config(name, service, tmp_path).core.server
        longest = 20 + server.drain_seconds + server.flush_seconds + 3 * server.open_seconds
        assert seconds(service["stop_grace_period"]) > longest


def test_a_gateway_has_no_more_rights_than_it_needs(project):
    for service in gateways(project).values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert service["ulimits"]["nofile"]["soft"] >= 65536
        assert "privileged" not in service
        state = [volume for volume in service["volumes"] if "/var/lib/gatewright" in str(volume)]
        assert len(state) == 1


def test_both_nodes_are_the_same_and_share_bus_and_presence(projects, tmp_path):
    nodes = gateways(projects["production"])
    assert set(nodes) == {"gateway-a", "gateway-b"}
    first, second = ({k: v for k, v in one.items() if k != "hostname"} for one in nodes.values())
    assert first == second
    assert [one["hostname"] for one in nodes.values()] == list(nodes)

    plugins = gateway_config("production", nodes["gateway-a"], tmp_path).plugins
    used = {kind: [one.name for one in plugins[kind]] for kind in ("bus", "presence")}
    assert used == {"bus": ["redis"], "presence": ["redis"]}
    dsns = {str(plugins[kind][0].settings.dsn) for kind in ("bus", "presence", "dead_letters")}
    assert len(dsns) == 1


def test_traefik_s_network_is_the_one_whose_word_counts(projects, tmp_path):
    project = projects["production"]
    (config,) = project["networks"]["proxy"]["ipam"]["config"]
    for service in gateways(project).values():
        server = gateway_config("production", service, tmp_path).core.server
        assert [str(network) for network in server.trusted_proxies] == [config["subnet"]]
    assert ipaddress.ip_network(config["subnet"]).is_private


def test_who_can_reach_whom(projects):
    project = projects["production"]
    members = {
        network: {name for name, one in project["services"].items() if network in one["networks"]}
        for network in project["networks"]
    }

    assert members == {
        "public": {"traefik"},
        "proxy": {"traefik", "gateway-a", "gateway-b"},
        "store": {"redis", "gateway-a", "gateway-b"},
        "backends": {"gateway-a", "gateway-b"},
    }
    inner = {name for name, one in project["networks"].items() if (one or {}).get("internal")}
    assert inner == {"proxy", "store"}


def test_everything_in_production_comes_back_and_is_bounded(projects):
    for name, service in projects["production"]["services"].items():
        assert service["restart"] == "unless-stopped", name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        limits = service["deploy"]["resources"]["limits"]
        assert limits["memory"], name
        assert float(limits["cpus"]) > 0, name
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}, name


def test_brokers_are_healthy_before_a_gateway_starts(projects):
    for name in ("brokers", "production"):
        services = projects[name]["services"]
        for service in gateways(projects[name]).values():
            for other, how in service["depends_on"].items():
                assert how["condition"] == "service_healthy"
                assert services[other]["healthcheck"]["test"]


def test_rabbitmq_has_its_page_for_this_machine_and_the_gateway_its_user(projects):
    services = projects["brokers"]["services"]
    rabbitmq = services["rabbitmq"]
    user = rabbitmq["environment"]["RABBITMQ_DEFAULT_USER"]
    password = rabbitmq["environment"]["RABBITMQ_DEFAULT_PASS"]

    assert rabbitmq["image"].endswith("-management")
    assert [target(port) for port in rabbitmq["ports"]] == [15672]
    dsn = services["gateway"]["environment"]["RABBITMQ_DSN"]
    assert dsn == f"amqp://{user}:{password}@rabbitmq:5672/"


@pytest.mark.parametrize("to", ["redis", "rabbitmq", "none"])
def test_events_go_to_the_broker_that_is_named(to, projects, tmp_path):
    service = gateways(projects["brokers"])["gateway"]
    changed = {**service, "environment": {**service["environment"], "EVENTS_TO": to}}
    sinks = gateway_config("brokers", changed, tmp_path).plugins["events"]
    broker = {"redis": ["redis_stream"], "rabbitmq": ["rabbitmq"], "none": []}

    assert [one.name for one in sinks] == ["webhook", *broker[to]]


def test_certificates_from_files_take_the_place_of_let_s_encrypt(projects):
    plain = projects["production"]["services"]["traefik"]
    traefik = resolved("production", "production.certificates")["services"]["traefik"]

    assert plain["environment"]["TLS_RESOLVER"] == "letsencrypt"
    assert traefik["environment"]["TLS_RESOLVER"] in {"", None}
    mounted = " ".join(str(volume) for volume in traefik["volumes"])
    for path in ("/etc/traefik/dynamic/certificates.yaml", "/etc/gatewright/tls"):
        assert path in mounted


def test_redis_asks_for_the_password_of_the_gateway(projects, tmp_path):
    """The command of the file, run by a real redis-server."""
    redis = projects["production"]["services"]["redis"]
    shell, option, script = redis["command"]
    port = free_port()
    script = script.replace("$$", "$").replace("/run/redis/", f"{tmp_path}/")
    script += f" --port {port} --bind 127.0.0.1 --dir {tmp_path}"
    password = redis["environment"]["REDISCLI_AUTH"]
    environ = {"PATH": os.environ["PATH"], "REDISCLI_AUTH": password}
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen([shell, option, script], env=environ, stdout=log, stderr=log)
    try:
        ask = [shutil.which("redis-cli") or "redis-cli", "-p", str(port)]
        while "PONG" not in said(ask, "ping", environ):
            assert server.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.05)
        assert "NOAUTH" in said(ask, "ping", {**environ, "REDISCLI_AUTH": ""})
        assert "noeviction" in said(ask, "config get maxmemory-policy", environ)
        assert "yes" in said(ask, "config get appendonly", environ)
        assert (tmp_path / "redis.conf").stat().st_mode & 0o077 == 0
        assert password not in Path(f"/proc/{server.pid}/cmdline").read_text()
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0


def said(ask, command, environ):
    if not environ["REDISCLI_AUTH"]:
        environ = {"PATH": environ["PATH"]}
    done = subprocess.run(
        [*ask, *command.split()], env=environ, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_the_demo_s_backend_is_the_example_beside_the_gateway(projects):
    services = projects["embedded"]["services"]
    backend, gateway = services["backend"], services["gateway"]
    sources = [*ROOT.glob("examples/backend/src/**/*.py"), *ROOT.glob("sdk/src/**/*.py")]
    known = "\n".join(file.read_text() for file in sources)

    assert backend["profiles"] == ["demo"]
    assert {name for name in backend["environment"] if f'"{name}"' not in known} == set()
    key = backend["environment"]["WS_GATEWAY_API_KEY"]
    assert key == gateway["environment"]["GATEWAY_API_KEY"]
    for folder in re.findall(r" \./(\S+)", backend["command"][2]):
        assert (ROOT / folder / "pyproject.toml").is_file(), folder
