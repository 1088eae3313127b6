"""The image's recipe, what it installs, and its health check."""

import importlib.util
import json
import re
import subprocess
import sys
import tomllib

import pytest
from tests.support.certificates import Certificates
from tests.support.gateway import gateway
from tests.support.markdown import ROOT

from gatewright.testing.ports import free_port

DOCKER = ROOT / "deploy" / "docker"
TEXT = (DOCKER / "Dockerfile").read_text().replace("\\\n", " ")
INSTRUCTIONS = [
    line.partition(" ")[::2] for line in TEXT.splitlines() if line and not line.startswith("#")
]
INSTALL = DOCKER / "install.py"


def said(name):
    """Return what follows an instruction, each time it is there."""
    return [rest.strip() for instruction, rest in INSTRUCTIONS if instruction == name]


def load(file):
    """Return a file as a module."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


install = load(INSTALL)
FOUND = install.distributions(ROOT)


def names(*wanted):
    return {each.name for each in install.chosen(FOUND, install.expanded(ROOT, wanted))}


def test_the_linter_finds_nothing():
    program = f"{sys.prefix}/bin/hadolint"
    command = [program, "--failure-threshold", "style", str(DOCKER / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_it_runs_the_gateway_as_nobody_in_particular():
    assert said("USER") == ["10001:10001"]
    assert said("ENTRYPOINT") == ['["gatewright"]']
    assert json.loads(said("CMD")[0]) == ["serve", "-c", "/etc/gatewright/gateway.yaml"]
    assert said("STOPSIGNAL") == ["SIGTERM"]
    assert said("EXPOSE") == ["8000"]


def test_what_it_says_of_itself_is_so():
    (labels,) = said("LABEL")
    assert set(re.findall(r"org\.opencontainers\.image\.(\w+)=", labels)) == {
        *("title", "description", "licenses", "version", "revision"),
    }
    core = tomllib.loads((ROOT / "core" / "pyproject.toml").read_text())["project"]
    assert f'VERSION="{core["version"]}"' in said("ARG")
    assert f'title="{core["name"]}"' in labels
    assert f'description="{core["description"]}"' in labels


def test_every_base_has_a_pinned_tag():
    bases = [base.split()[0] for base in said("FROM")]
    assert len(bases) == 2
    assert set(bases) == {"python:${PYTHON_VERSION}-slim-bookworm"}
    assert re.fullmatch(r"PYTHON_VERSION=3\.\d+", said("ARG")[0])


def test_what_it_copies_is_let_into_the_build():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    needed = [each.folder for each in FOUND.values()] + [DOCKER, ROOT / "constraints.txt"]

    assert "*" in ignored
    for path in needed:
        relative = str(path.relative_to(ROOT))
        assert any(relative == one or relative.startswith(f"{one}/") for one in let_in), relative


def test_the_core_alone_needs_no_plugin():
    assert names() == {"gatewright"}


def test_a_plugin_brings_what_it_needs_of_this_repository_and_nothing_else():
    assert names("auth-jwt") == {"gatewright", "gatewright-auth-jwt"}
    with_redis = names("bus-redis")
    assert "gatewright-bus-redis" in with_redis
    assert {FOUND[name].folder.parent.name for name in with_redis} == {"plugins", "kits", ROOT.name}
    assert not any("rabbitmq" in name for name in with_redis)


def test_standard_is_every_plugin_of_the_core_s_extra():
    plugins = {name for name, each in FOUND.items() if each.folder.parent.name == "plugins"}

    assert names("standard") >= plugins
    assert names("standard", "auth-jwt") == names("standard")


def test_an_unknown_plugin_is_named_with_those_that_there_are(tmp_path):
    command = [sys.executable, str(INSTALL), str(tmp_path), "auth-jwt", "bus-reddis"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert "no plugin named 'bus-reddis'; did you mean 'bus-redis'? There are: " in done.stderr
    assert all(name in done.stderr for name in ("standard, auth-jwt, ", "transport-redis."))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def ask():
    """Ask for health as the image does; return the exit code and what was said."""
    (words,) = re.findall(r"CMD (\[.*\])", *said("HEALTHCHECK"))
    python, *rest = json.loads(words)
    assert python == "/opt/gatewright/bin/python"
    command = [sys.executable, *rest[:-1], str(DOCKER / rest[-1].rpartition("/")[2])]

    def ask(url):
        environ = {"GATEWRIGHT_HEALTH_URL": url, "http_proxy": "http://127.0.0.1:9"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
        return done.returncode, done.stdout.strip()

    return ask


@pytest.mark.anyio
async def test_a_gateway_is_healthy_and_one_that_is_gone_is_not(tmp_path, ask):
    async with gateway(tmp_path) as running:
        url = f"http://{running.host}/health"
        assert ask(url) == (0, f"{url}: 200")
        assert ask(url + "less")[0] == 1
    code, told = ask(url)
    assert code == 1
    assert "refused" in told


@pytest.mark.anyio
async def test_a_gateway_that_serves_tls_itself_is_healthy_too(tmp_path, ask):
    files = Certificates.make(tmp_path)
    tls = f"tls: {{certificate: {files.server}, key: {files.server}}}"
    async with gateway(tmp_path, f"server: {{bind: '127.0.0.1:0', {tls}}}") as running:
        url = f"https://{running.host}/health"
        assert ask(url) == (0, f"{url}: 200")


def test_a_wrong_address_is_told_without_a_traceback(ask):
    code, told = ask(f"gopher://127.0.0.1:{free_port()}")

    assert code == 1
    assert told.startswith("gopher://")
