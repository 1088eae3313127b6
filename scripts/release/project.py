"""What the files beside the distributions say of versions, and of the Pythons."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from scripts.release.distributions import Distribution
from trove_classifiers import classifiers as known_classifiers

__all__ = [
    "IMAGE",
    "image_files",
    "problems_of_changelog",
    "problems_of_metadata",
    "problems_of_other_versions",
    "pythons",
]

PYTHON: Final = "Programming Language :: Python :: "
REQUIRED: Final = {"Typing :: Typed", f"{PYTHON}3"}
IMAGE: Final = re.compile(r"\bgatewright:(\d+\.[\w.]*\w)")
_LOOP: Final = re.compile(r"^for version in ([\d. ]+); do$", re.MULTILINE)


def pythons(root: Path) -> list[str]:
    """Return the versions of Python that ``.ci/run`` tests with, oldest first.

    Raises:
        LookupError: It names none, or not the same everywhere.
    """
    loops = {tuple(each.split()) for each in _LOOP.findall((root / ".ci" / "run").read_text())}
    if len(loops) != 1:
        message = ".ci/run: expected the same 'for version in X.Y …; do' wherever it has one"
        raise LookupError(message)
    return sorted(loops.pop(), key=Version)


def problems_of_metadata(distribution: Distribution, versions: list[str]) -> Iterator[str]:
    """Yield what is wrong with its classifiers, licence and Pythons.

    Args:
        distribution: Whose metadata is looked at.
        versions: The Pythons that are tested, oldest first.
    """
    given = set(distribution.project.get("classifiers", []))
    for unknown in sorted(given - known_classifiers):
        yield f"classifier {unknown!r} is none that the index knows"
    for missing in sorted(REQUIRED - given):
        yield f"classifier {missing!r} is missing"
    stated = {each.removeprefix(PYTHON) for each in given if each.startswith(f"{PYTHON}3.")}
    if stated != set(versions):
        said = ", ".join(sorted(stated, key=Version)) or "none"
        yield f"classifiers state Python {said}; .ci/run tests {', '.join(versions)}"
    wanted = SpecifierSet(f">={versions[0]}")
    if SpecifierSet(distribution.project.get("requires-python", "")) != wanted:
        yield f"requires-python must be {wanted}, the oldest that .ci/run tests"
    if distribution.project.get("license") != "MIT":
        yield 'license must be "MIT"'
    if distribution.project.get("readme") != "README.md":
        yield 'readme must be "README.md"'


def problems_of_changelog(root: Path, version: str) -> Iterator[str]:
    """Yield what is wrong with the changelog: the version, or what is to come, has a section."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    for section in sections:
        title, _, body = section.partition("\n")
        if title.startswith((f"[{version}]", "[Unreleased]")) and "- " in body:
            return
    yield f"CHANGELOG.md: neither '## [{version}]' nor '## [Unreleased]' says anything"


def problems_of_other_versions(root: Path, version: str) -> Iterator[str]:
    """Yield versions of the chart, the browser's client and images that are not the core's."""
    for path in image_files(root):
        for tag in sorted(set(IMAGE.findall(path.read_text(encoding="utf-8"))) - {version}):
            yield f"{path.relative_to(root)}: image is gatewright:{tag}, expected {version}"
    for file, names in _others(root).items():
        for name, found in names.items():
            if found != version:
                yield f"{file}: {name} is {found}, the core's version is {version}"


def image_files(root: Path) -> list[Path]:
    """Return the files that may name an image with its version, as ``gatewright:X.Y.Z``."""
    return [*sorted(root.glob("deploy/compose/*.yaml")), *sorted(root.glob("docs/**/*.md"))]


def _others(root: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    chart = root / "deploy" / "helm" / "gatewright" / "Chart.yaml"
    if chart.is_file():
        content = yaml.safe_load(chart.read_text(encoding="utf-8"))
        names = ("version", "appVersion")
        found["deploy/helm/gatewright/Chart.yaml"] = {
            name: str(content.get(name)) for name in names
        }
    package = root / "clients" / "js" / "package.json"
    if package.is_file():
        content = json.loads(package.read_text(encoding="utf-8"))
        found["clients/js/package.json"] = {"version": str(content.get("version"))}
    return found
