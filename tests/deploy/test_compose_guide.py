"""The guide to deployment, and the index of the files."""

import re
import shlex

import pytest
from tests.support.markdown import ROOT, blocks_of

DEPLOY = ROOT / "deploy"
GUIDE = ROOT / "docs" / "howto" / "deployment.md"
OTHERS = {"helm", "grafana", "prometheus"}  # folders with an index, or a page, of their own
COMMANDS = [
    line for block in blocks_of(GUIDE, "sh") for line in block.text.splitlines() if line.strip()
]


def test_the_index_names_every_file():
    index = (DEPLOY / "README.md").read_text()
    files = [file.relative_to(DEPLOY) for file in DEPLOY.rglob("*") if file.is_file()]
    mine = [
        file for file in files if file.parts[0] not in OTHERS and "__pycache__" not in file.parts
    ]

    assert {str(file) for file in mine if f"({file})" not in index} == {"README.md"}


def test_the_guide_s_commands_name_files_that_there_are():
    files = [
        word
        for line in COMMANDS
        for word in re.findall(
            r"(?:-f|cp) (\S+\.(?:yaml|env\.example|service)|\S*Dockerfile)", line
        )
    ]

    assert len(files) > 8
    for name in files:
        folder = ROOT if "/" in name else DEPLOY / "compose"
        assert (folder / name).is_file(), name


@pytest.mark.parametrize("line", COMMANDS)
def test_the_guide_s_commands_can_be_typed(line):
    assert shlex.split(line)


def test_every_build_argument_is_in_the_guide_with_its_default():
    dockerfile = (DEPLOY / "docker" / "Dockerfile").read_text()
    arguments = dict(re.findall(r'^ARG (\w+)="?([^"\n]+)"?$', dockerfile, re.MULTILINE))
    guide = GUIDE.read_text()
    rows = [line for line in guide.splitlines() if line.startswith("| `")]

    for name in arguments:
        assert any(f"`{name}`" in row for row in rows), name
    assert f"| `PLUGINS` | `{arguments['PLUGINS']}` |" in guide
    assert f"| `PYTHON_VERSION` | `{arguments['PYTHON_VERSION']}` |" in guide


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("compose/production.yaml", "stop_grace_period: 75s"),
        ("systemd/gatewright.service", "TimeoutStopSec=75"),
    ],
)
def test_the_guide_s_times_are_those_of_the_files(file, said):
    assert f"`{said}`" in GUIDE.read_text()
    assert said in (DEPLOY / file).read_text()
