"""Whether a distribution declares what it imports, and imports what it declares."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

from packaging.utils import NormalizedName, canonicalize_name
from scripts.release.distributions import Distribution

__all__ = ["Owners", "owners", "problems_of_imports"]

Owners = Mapping[str, set[NormalizedName]]

CARRIED: Final = {
    "aiormq": "aio-pika",  # the connections beneath aio-pika's, whose errors it lets through
    "h11": "hypercorn",  # parsers that hypercorn makes, in the version that it takes
    "h2": "hypercorn",
    "wsproto": "hypercorn",
    "pydantic_core": "pydantic",  # which requires exactly one version of it
}
"""Modules whose version is another distribution's to say; declaring that one is enough."""

BY_NAME: Final = {
    "uvloop": "the core asks for it by name where it is installed",
    "pytest-timeout": "pytest loads it",
}
"""What is used without an import, and how."""


def owners(every: list[Distribution]) -> Owners:
    """Return which distributions a module may come from: those installed here, and ours."""
    found = {
        module: {canonicalize_name(name) for name in names}
        for module, names in packages_distributions().items()
    }
    return found | {each.package: {each.name} for each in every}


def problems_of_imports(
    distribution: Distribution, owned: Owners, ours: set[NormalizedName]
) -> Iterator[str]:
    """Yield modules that are imported and not declared, then what is declared for nothing."""
    declared = {canonicalize_name(each.name) for each in distribution.requirements}
    used: set[NormalizedName] = set()
    for module, path in sorted(_imported(distribution).items()):
        sources = _sources(module, owned)
        if not sources:
            yield f"{path} imports {module}, which is not installed here; run make dev-venv"
        elif sources & declared:
            used |= sources & declared
        else:
            yield f"{path} imports {module}; declare {' or '.join(sorted(sources))}"
    for name in sorted(declared - used - ours - set(BY_NAME)):
        yield f"declares {name}, which it does not import; remove it"


def _sources(module: str, owned: Owners) -> set[NormalizedName]:
    carrier = {canonicalize_name(CARRIED[module])} if module in CARRIED else set()
    return owned.get(module, set()) | carrier


def _imported(distribution: Distribution) -> dict[str, Path]:
    """Return the top-level modules of others, each with the first file that imports it."""
    found: dict[str, Path] = {}
    for path, tree in distribution.modules():
        for node in ast.walk(tree):
            for name in _names(node):
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top != distribution.package:
                    found.setdefault(top, path.relative_to(distribution.folder))
    return found


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        return [node.module]
    return []
