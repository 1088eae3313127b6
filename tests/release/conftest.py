"""A small repository that may be released, for the checks to find fault with once it is changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from scripts.release.distributions import Distribution, distributions
from tests.support.markdown import ROOT

PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "1.2.0"
readme = "README.md"
requires-python = ">=3.11"
license = "MIT"
license-files = ["LICENSE"]
classifiers = [
    "Programming Language :: Python :: 3",
    "Programming Language :: Python :: 3.11",
    "Programming Language :: Python :: 3.12",
    "Typing :: Typed",
]
dependencies = [{dependencies}]
{more}
[tool.hatch.build.targets.wheel]
packages = ["src/{package}"]

[tool.hatch.build.targets.sdist]
include = ["/src", "/README.md", "/LICENSE"]
"""

FILES = {
    "LICENSE": (ROOT / "LICENSE").read_text(),
    ".ci/run": "for version in 3.11 3.12; do\ndone\n",
    "constraints.txt": "# Versions.\nanyio==4.16.0\n",
    "requirements-dev.txt": "# Tools.\nanyio\n",
    "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- All of it.\n",
    "deploy/helm/gatewright/Chart.yaml": 'version: 1.2.0\nappVersion: "1.2.0"\n',
    "clients/js/package.json": '{\n  "version": "1.2.0"\n}\n',
    "core/src/gatewright/plugin/spec.py": "from typing import Final\n\nHOOK_API: Final = (1, 3)\n",
}


@dataclass
class Repository:
    """A repository.

    Attributes:
        root: Where it is.
    """

    root: Path

    @property
    def core(self) -> Distribution:
        return distributions(self.root)[0]

    @property
    def plugin(self) -> Distribution:
        return distributions(self.root)[1]

    def write(self, path, text):
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def add(self, folder, name, package, *, dependencies="", more="", source=""):
        pyproject = PYPROJECT.format(
            name=name, package=package, dependencies=dependencies, more=more
        )
        self.write(f"{folder}/pyproject.toml", pyproject)
        self.write(f"{folder}/README.md", f"# {name}\n\nWhat it is.\n")
        self.write(f"{folder}/LICENSE", FILES["LICENSE"])
        self.write(f"{folder}/src/{package}/__init__.py", source)
        self.write(f"{folder}/src/{package}/py.typed", "")

    def edit(self, path, before, after):
        text = (self.root / path).read_text()
        assert before in text
        (self.root / path).write_text(text.replace(before, after))


@pytest.fixture
def repository(tmp_path):
    made = Repository(tmp_path / "repository")
    for path, text in FILES.items():
        made.write(path, text)
    made.add("core", "gatewright", "gatewright")
    made.write("core/src/gatewright/plugin/__init__.py", "")
    made.add(
        "plugins/auth_x",
        "gatewright-auth-x",
        "gatewright_auth_x",
        dependencies='"anyio>=4.12,<5", "gatewright>=1.2,<2"',
        more='[project.entry-points."gatewright.auth"]\nx = "gatewright_auth_x"\n',
        source="import anyio\n\nGATEWRIGHT_API = (1, 2)\n",
    )
    return made
