"""The units: what systemd says of them, and what they come to."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.markdown import ROOT

from gatewright.config.settings import ServerSettings
from gatewright.errors import ConfigError, OperatorError
from gatewright.server.caps import SPARE_DESCRIPTORS

UNITS = ROOT / "deploy" / "systemd"
NAMES = ["gatewright.service", "gatewright@.service"]
ITS_OWN = {"Description", "EnvironmentFile", "StateDirectory"}


def settings(name):
    """Return a unit's settings in order, by name; each may be there several times."""
    lines = (UNITS / name).read_text().splitlines()
    found = {}
    for line in lines:
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


@pytest.fixture(params=NAMES)
def unit(request):
    return settings(request.param)


@pytest.fixture(params=["gatewright.service", "gatewright@a.service"])
def installed(request, tmp_path):
    """A unit with the program where it is here, as systemd would find it."""
    name = request.param.replace("@a.", "@.")
    text = (UNITS / name).read_text().replace("/opt/gatewright/bin/", f"{Path(sys.prefix)}/bin/")
    (tmp_path / name).write_text(text)
    (tmp_path / request.param).write_text(text)
    return tmp_path / request.param


def analyze(*words):
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *words], capture_output=True, text=True, check=False
    )


def test_no_unit_is_forgotten_here():
    assert sorted(file.name for file in UNITS.iterdir()) == NAMES


def test_systemd_finds_nothing_wrong(installed):
    done = analyze("verify", "--man=no", str(installed))

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_would_find_what_is_wrong(installed):
    installed.write_text(installed.read_text().replace("RestartSec=3", "RestartSek=3"))

    assert "RestartSek" in analyze("verify", "--man=no", str(installed)).stderr


def test_systemd_calls_it_well_closed_in(installed):
    done = analyze("security", "--offline=true", "--threshold=20", str(installed))

    assert done.returncode == 0, done.stdout


def test_it_is_killed_only_after_the_longest_stop(unit):
    server = ServerSettings()
    longest = 20 + server.drain_seconds + server.flush_seconds + 3 * server.open_seconds

    assert unit["KillSignal"] == ["SIGTERM"]
    assert int(unit["TimeoutStopSec"][0]) > longest


def test_it_starts_again_unless_that_is_of_no_use(unit):
    assert unit["Restart"] == ["on-failure"]
    assert unit["StartLimitIntervalSec"] == ["0"]
    assert unit["RestartPreventExitStatus"] == [str(ConfigError.exit_code)]
    assert OperatorError.exit_code == ConfigError.exit_code
    assert "ExecStartPre" not in unit  # its exit code would not count


def test_a_wrong_file_ends_the_command_of_the_unit_with_that_code(unit, tmp_path):
    (command,) = unit["ExecStart"]
    program, *words = command.split()
    (tmp_path / "gateway.yaml").write_text("auth: {nobody: {}}")
    words[words.index("-c") + 1] = str(tmp_path / "gateway.yaml")
    here = program.replace("/opt/gatewright/bin/", f"{Path(sys.prefix)}/bin/")
    done = subprocess.run([here, *words], capture_output=True, text=True, check=False)

    assert str(done.returncode) in unit["RestartPreventExitStatus"]
    assert "nobody" in done.stderr


def test_files_that_it_opens_suffice_for_many_clients(unit):
    assert int(unit["LimitNOFILE"][0]) > 100 * SPARE_DESCRIPTORS


def test_the_two_differ_in_what_is_a_node_s_own_alone():
    one, many = (settings(name) for name in NAMES)

    assert {key for key in one | many if one.get(key) != many.get(key)} == ITS_OWN
    assert many["StateDirectory"] == ["gatewright-%i"]
    assert many["EnvironmentFile"][-1] == "/etc/gatewright/%i.environment"


def test_a_node_s_own_ports_are_variables_of_the_file_for_clusters():
    text = (UNITS / "gatewright@.service").read_text()
    names = re.findall(r"^# +(\w+)=", text, re.MULTILINE)
    cluster = (ROOT / "examples" / "cluster.yaml").read_text()

    assert names
    assert all(f"${{{name}:-" in cluster for name in names)
