"""Whether what the distributions state of each other and of others fits together."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version
from scripts.release.distributions import Distribution

__all__ = [
    "constraints",
    "hook_api",
    "inner_range",
    "is_version",
    "problems_of_api",
    "problems_of_constraints",
    "problems_of_inner",
    "problems_of_version",
]

Constraints = Mapping[NormalizedName, Version]

_VERSION = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}")
_PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[\w.!+-]+)$")


def problems_of_version(distribution: Distribution, version: str) -> Iterator[str]:
    """Yield what is wrong with its version; all have that of the core."""
    if distribution.version != version:
        yield f"version is {distribution.version}, the core's is {version}; all have the same"
    if not is_version(distribution.version):
        yield f"version {distribution.version!r} is none of a release; write X.Y.Z"


def is_version(text: str) -> bool:
    """Tell whether a text is ``X.Y.Z``, a version to pip, npm and Helm alike.

    Versions before a release, such as 1.4.0rc1, are none: they are written in another way for each
    of these, and no range of a release admits them.
    """
    return _VERSION.fullmatch(text) is not None


def inner_range(version: str) -> str:
    """Return the range by which distributions of one release require each other.

    It begins with the minor version and ends before the next major one.
    """
    parsed = Version(version)
    return f">={parsed.major}.{parsed.minor},<{parsed.major + 1}"


def problems_of_inner(
    distribution: Distribution, names: set[NormalizedName], version: str
) -> Iterator[str]:
    """Yield what is wrong with its requirements of ``names``, the distributions of the release."""
    wanted = SpecifierSet(inner_range(version))
    for requirement in distribution.requirements:
        name = canonicalize_name(requirement.name)
        if name == distribution.name and requirement.extras:
            if requirement.specifier:
                yield f"requires {requirement}: its own extras take no version"
        elif name in names and requirement.specifier != wanted:
            yield f"requires {requirement}; all require {name}{wanted} of this release"
        elif not requirement.specifier:
            yield f"requires {requirement} without a range; write >=, and what it was tested with"


def constraints(root: Path) -> Constraints:
    """Return the versions of ``constraints.txt``.

    Raises:
        ValueError: A line is not ``name==version``.
    """
    pins: dict[NormalizedName, Version] = {}
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        match = _PIN.match(text)
        if match is None:
            message = f"constraints.txt:{number}: {text!r} is not name==version"
            raise ValueError(message)
        pins[canonicalize_name(match["name"])] = Version(match["version"])
    return pins


def problems_of_constraints(
    requirements: list[Requirement], pins: Constraints, ours: set[NormalizedName]
) -> Iterator[str]:
    """Yield requirements that no pin satisfies."""
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        if name in ours:
            continue
        if name not in pins:
            yield f"requires {requirement}, of which constraints.txt has no version; add one"
        elif pins[name] not in requirement.specifier:
            yield f"requires {requirement}, but constraints.txt has {pins[name]}"


def hook_api(core: Distribution) -> tuple[int, int]:
    """Return the core's ``HOOK_API``.

    Raises:
        LookupError: The core states none.
    """
    path = core.package_folder / "plugin" / "spec.py"
    found = _pair(path, "HOOK_API")
    if found is None:
        message = f"{path}: no HOOK_API = (major, minor)"
        raise LookupError(message)
    return found


def problems_of_api(
    distribution: Distribution, kinds: set[str], core: tuple[int, int]
) -> Iterator[str]:
    """Yield plugins whose fence does not let the core of this release in.

    Args:
        distribution: Whose entry points are looked at.
        kinds: The kinds of plugins, the ends of their groups' names.
        core: The core's hook API.
    """
    groups = distribution.project.get("entry-points", {})
    for group, entries in groups.items():
        if group.removeprefix("gatewright.") not in kinds:
            continue
        for name, module in entries.items():
            stated = _pair(_source(distribution, module), "GATEWRIGHT_API")
            at = f"{group} {name} ({module})"
            if stated is None:
                yield f"{at} states no GATEWRIGHT_API; add GATEWRIGHT_API = {core}"
            elif stated[0] != core[0] or stated[1] > core[1]:
                yield f"{at} states GATEWRIGHT_API {stated}; the core has {core}"


def _source(distribution: Distribution, module: str) -> Path:
    place = distribution.package_folder.parent.joinpath(*module.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def _pair(path: Path, name: str) -> tuple[int, int] | None:
    """Return the pair of numbers that a module assigns to ``name``."""
    if not path.is_file():
        return None
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=found)], value=ast.expr() as value)
                | ast.AnnAssign(target=ast.Name(id=found), value=ast.expr() as value)
            ) if found == name:
                major, minor = ast.literal_eval(value)
                return int(major), int(minor)
    return None
