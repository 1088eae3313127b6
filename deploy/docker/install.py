"""Install the core and the plugins that are named, from this checkout, into an environment.

    python deploy/docker/install.py ENVIRONMENT [NAME ...]

A name is that of a distribution without ``gatewright-``, such as ``auth-jwt``; ``standard`` stands
for those of the core's extra of that name. What they need of this repository is installed with
them, from here and from nowhere else; all other requirements within constraints.txt.
"""

from __future__ import annotations

import argparse
import difflib
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = "gatewright"
PREFIX = "gatewright-"
STANDARD = "standard"
UVLOOP = "uvloop"


class UnknownPlugin(Exception):
    """A name stands for no plugin; the message says which there are."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(name, self.known)

    def __str__(self) -> str:
        near = difflib.get_close_matches(self.name, self.known, 1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        return f"PLUGINS: no plugin named {self.name!r}{hint} There are: {', '.join(self.known)}."


@dataclass(frozen=True)
class Distribution:
    """A distribution of this repository.

    Attributes:
        requires: The names of what it needs, normalised.
    """

    name: str
    folder: Path
    requires: frozenset[str]


def main() -> int:
    """Install what the command line names; 2 where a name is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("environment", type=Path)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    found = distributions(ROOT)
    try:
        wanted = chosen(found, expanded(ROOT, options.names))
    except UnknownPlugin as error:
        print(error, file=sys.stderr)
        return 2
    print("installing", ", ".join(each.name for each in wanted), flush=True)
    with tempfile.TemporaryDirectory() as wheels:
        return build(wanted, Path(wheels)) or install(options.environment, Path(wheels))


def distributions(root: Path) -> dict[str, Distribution]:
    """Return what the repository holds, by name: the core, the kits, the plugins."""
    files = [root / "core" / "pyproject.toml", *sorted(root.glob("kits/*/pyproject.toml"))]
    files += sorted(root.glob("plugins/*/pyproject.toml"))
    return {one.name: one for one in (_read(file) for file in files)}


def _read(file: Path) -> Distribution:
    project = tomllib.loads(file.read_text())["project"]
    return Distribution(project["name"], file.parent, _names(project["dependencies"]))


def _names(requirements: Iterable[str]) -> frozenset[str]:
    """Return the names that requirements begin with, normalised."""
    names = (re.match(r"[A-Za-z0-9._-]+", each) for each in requirements)
    return frozenset(re.sub(r"[._-]+", "-", name[0]).lower() for name in names if name)


def expanded(root: Path, names: Iterable[str]) -> list[str]:
    """Put the plugins of the extra in place of ``standard``."""
    extras = tomllib.loads((root / "core" / "pyproject.toml").read_text())["project"]
    standard = _names(extras["optional-dependencies"][STANDARD]) - {CORE}
    plugins = sorted(each.removeprefix(PREFIX) for each in standard)
    return [each for name in names for each in (plugins if name == STANDARD else [name])]


def chosen(found: Mapping[str, Distribution], names: Iterable[str]) -> list[Distribution]:
    """Return the core, the plugins named, and what they need of this repository.

    Raises:
        UnknownPlugin: A name stands for none.
    """
    plugins = [name.removeprefix(PREFIX) for name, each in found.items() if _is_plugin(each)]
    todo = [CORE]
    for name in names:
        if name not in plugins:
            raise UnknownPlugin(name, [STANDARD, *plugins])
        todo.append(PREFIX + name)
    wanted: dict[str, Distribution] = {}
    while todo:
        one = found[todo.pop()]
        if one.name not in wanted:
            wanted[one.name] = one
            todo += sorted(one.requires & found.keys())
    return [wanted[name] for name in sorted(wanted)]


def _is_plugin(distribution: Distribution) -> bool:
    return distribution.folder.parent.name == "plugins"


def build(wanted: Iterable[Distribution], wheels: Path) -> int:
    """Build a wheel of each; return pip's exit code."""
    folders = [str(each.folder) for each in wanted]
    return pip("wheel", "--no-deps", "--wheel-dir", str(wheels), *folders)


def install(environment: Path, wheels: Path) -> int:
    """Install the wheels and what they require; return pip's exit code."""
    files = [str(file) for file in sorted(wheels.glob("*.whl"))]
    constraints = str(ROOT / "constraints.txt")
    target = ["--python", str(environment / "bin" / "python"), "install", "--no-cache-dir"]
    return pip(*target, "--constraint", constraints, *files, UVLOOP)


def pip(*words: str) -> int:
    """Run the pip of this Python; return its exit code."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *words]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own words


if __name__ == "__main__":
    sys.exit(main())
