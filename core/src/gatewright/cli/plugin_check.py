"""Looks at each installed plugin in a process of its own, so that none can stop the others.

    python -m gatewright.cli.plugin_check KIND NAME FILE

is such a process: it writes what is wrong to FILE, as a JSON list of lines.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

from gatewright.cli.plugin_names import Named
from gatewright.errors import PluginError
from gatewright.plugin.catalogue import Catalogue, PluginEntry
from gatewright.plugin.manager import LoadedPlugin, PluginManager
from gatewright.plugin.spec import KINDS, PROJECT

__all__ = ["Checked", "check", "problems_of"]

_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of one plugin.

    Attributes:
        distribution: Who offers it, with the version; several where they quarrel about the name.
        problems: What is wrong, each one line.
    """

    kind: str
    name: str
    distribution: str
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def check(plugins: Iterable[Named], catalogue: Catalogue, seconds: float) -> list[Checked]:
    """Look at plugins, several at once, and return what was found in the order given.

    Args:
        plugins: Which.
        catalogue: What is installed.
        seconds: How long each may take.
    """
    with ThreadPoolExecutor(min(_AT_ONCE, os.cpu_count() or 1)) as pool:
        return list(pool.map(lambda plugin: _apart(plugin, catalogue, seconds), plugins))


def problems_of(plugin: Named, manager: PluginManager) -> Iterator[str]:
    """Yield what is wrong with a plugin: what keeps it from loading, else what is missing."""
    try:
        loaded = manager.load(*plugin)
    except PluginError as error:
        yield str(error)
        return
    yield from _unmet(loaded.entry)
    yield from _undescribed(loaded)


def _apart(plugin: Named, catalogue: Catalogue, seconds: float) -> Checked:
    kind, name = plugin
    entries = catalogue.named(kind, name)
    offered = ", ".join(f"{entry.distribution} {entry.version}" for entry in entries)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "problems.json"
        try:
            ended = _run([kind, name, str(file)], seconds)
            problems = tuple(json.loads(file.read_text(encoding="utf-8")))
        except subprocess.TimeoutExpired:
            problems = (f"{entries[0].origin} cannot be imported: not done after {seconds:g} s",)
        except FileNotFoundError:
            problems = (f"{entries[0].origin} cannot be imported: it ended the process ({ended})",)
    return Checked(kind, name, offered, problems)


def _run(arguments: Sequence[str], seconds: float) -> int:
    """Run this module with the same modules in reach; what a plugin prints is nobody's business."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-P", "-m", __spec__.name, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=seconds,
        check=False,
    ).returncode


def _unmet(entry: PluginEntry) -> Iterator[str]:
    """Yield what the distribution requires and is not there; its gatewright is checked already."""
    for line in entry.requires:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            yield f"{entry.origin} requires {line!r}, which cannot be read"
            continue
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        if canonicalize_name(requirement.name) == PROJECT:
            continue
        wanted = f"{requirement.name}{requirement.specifier}"
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            found = None
        if found is None or not requirement.specifier.contains(found, prereleases=True):
            yield (
                f"{entry.origin} requires {wanted}, found {found or 'none'}; "
                f"run: pip install '{wanted}'"
            )


def _undescribed(loaded: LoadedPlugin) -> Iterator[str]:
    """Yield the options that say nothing of what they mean."""
    origin = loaded.entry.origin
    model: type[BaseModel] = loaded.factory.settings
    try:
        schema = model.model_json_schema()
    except PydanticInvalidForJsonSchema:
        yield f"{origin}: {model.__name__} holds a type that no JSON Schema can describe"
        return
    models: dict[str, Any] = {model.__name__: schema, **schema.get("$defs", {})}
    for owner, described in models.items():
        for name, option in described.get("properties", {}).items():
            if not option.get("description"):
                yield f"{origin}: {owner}.{name} has no description; give it Field(description=…)"


def main(arguments: Sequence[str]) -> None:
    """Write what is wrong with one plugin to a file."""
    kind, name, file = arguments
    known = KINDS[KINDS.index(kind)]
    problems = list(problems_of((known, name), PluginManager()))
    Path(file).write_text(json.dumps(problems), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
