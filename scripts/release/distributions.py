"""The distributions of this repository, as their ``pyproject.toml`` describe them."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

__all__ = ["Distribution", "distributions", "examples"]


@dataclass(frozen=True)
class Distribution:
    """One distribution.

    Attributes:
        folder: Where its ``pyproject.toml`` is.
        root: The repository.
    """

    folder: Path
    root: Path

    @cached_property
    def file(self) -> dict[str, Any]:
        """Its ``pyproject.toml``."""
        return tomllib.loads((self.folder / "pyproject.toml").read_text(encoding="utf-8"))

    @property
    def project(self) -> dict[str, Any]:
        """The table ``project``."""
        table: dict[str, Any] = self.file["project"]
        return table

    @property
    def where(self) -> str:
        """Its folder as it is told, such as ``plugins/bus_redis``."""
        return self.folder.relative_to(self.root).as_posix()

    @property
    def name(self) -> NormalizedName:
        """Its normalized name."""
        return canonicalize_name(self.project["name"])

    @property
    def version(self) -> str:
        """Its version."""
        return str(self.project["version"])

    @property
    def package(self) -> str:
        """The name that is imported."""
        return self.package_folder.name

    @property
    def package_folder(self) -> Path:
        """The folder with its modules."""
        wheel = self.file["tool"]["hatch"]["build"]["targets"]["wheel"]
        return self.folder / str(wheel["packages"][0])

    @cached_property
    def requirements(self) -> list[Requirement]:
        """What it requires of pip, optional parts included."""
        optional = self.project.get("optional-dependencies", {}).values()
        lists = [self.project.get("dependencies", []), *optional]
        return [Requirement(text) for texts in lists for text in texts]

    def modules(self) -> Iterator[tuple[Path, ast.Module]]:
        """Yield every module below its package, parsed."""
        for path in sorted(self.package_folder.rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"), str(path))


def distributions(root: Path) -> list[Distribution]:
    """Return what is released from the repository ``root``: core, kits, plugins, SDK."""
    patterns = ("core", "kits/*", "plugins/*", "sdk")
    return _found(root, patterns)


def examples(root: Path) -> list[Distribution]:
    """Return the distributions that are examples, and never released."""
    return _found(root, ("examples/*", "examples/plugins/*"))


def _found(root: Path, patterns: tuple[str, ...]) -> list[Distribution]:
    files = [sorted(root.glob(f"{pattern}/pyproject.toml")) for pattern in patterns]
    return [Distribution(file.parent, root) for each in files for file in each]
