"""Whether what was built holds what it should, and nothing else."""

from __future__ import annotations

import re
import tarfile
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from pathlib import Path, PurePosixPath
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from scripts.release.building import IGNORED, Built
from scripts.release.distributions import Distribution

__all__ = ["problems_of_archives"]

STRAY: Final = re.compile(
    r"(^|/)(tests?|__pycache__|node_modules|\.[^/]+)(/|$)"
    r"|(^|/)(conftest|test_[^/]*)\.py$"
    r"|\.(pyc|pyo|so|orig|rej|bak|log|swp|tmp)$|~$"
)
SHIPPED_TESTS: Final = re.compile(r"^gatewright/(testing|cli/scaffold/templates)/")
"""Suites that plugins run, and those that `gatewright plugins new` writes."""

SDIST_BESIDE_SOURCE: Final = {"PKG-INFO", "LICENSE", "README.md", "pyproject.toml", ".gitignore"}
ABSOLUTE: Final = ("https://", "#", "mailto:")


def problems_of_archives(distribution: Distribution, built: Built) -> Iterator[str]:
    """Yield what is wrong with the wheel and the source distribution."""
    wheel, metadata = _wheel(built.wheel)
    yield from _problems_of_wheel(distribution, wheel)
    yield from _problems_of_metadata(distribution, metadata)
    yield from _problems_of_sdist(built.sdist)
    yield from _differences(built)


def _wheel(path: Path) -> tuple[dict[str, bytes], Message]:
    with zipfile.ZipFile(path) as archive:
        files = {
            each.filename: archive.read(each) for each in archive.infolist() if not each.is_dir()
        }
    (name,) = (each for each in files if each.endswith(".dist-info/METADATA"))
    return files, BytesParser(policy=compat32).parsebytes(files[name])


def _problems_of_wheel(distribution: Distribution, wheel: dict[str, bytes]) -> Iterator[str]:
    stem = f"{distribution.name.replace('-', '_')}-{distribution.version}.dist-info"
    if f"{distribution.package}/py.typed" not in wheel:
        yield f"wheel: no {distribution.package}/py.typed, so type checkers ignore its types"
    licence = wheel.get(f"{stem}/licenses/LICENSE")
    if licence is None:
        yield "wheel: no LICENSE"
    elif licence != (distribution.root / "LICENSE").read_bytes():
        yield "wheel: LICENSE is not that of the repository"
    for name in sorted(wheel):
        top = PurePosixPath(name).parts[0]
        if top not in {distribution.package, stem}:
            yield f"wheel: {name} is neither in {distribution.package} nor in {stem}"
        elif _stray(name):
            yield f"wheel: {name} is nothing to ship"
    there = {name for name in wheel if name.startswith(f"{distribution.package}/")}
    for missing in sorted(_in_tree(distribution) - there):
        yield f"wheel: {missing} of the checkout is missing"


def _in_tree(distribution: Distribution) -> set[str]:
    folder = distribution.package_folder
    files = (path.relative_to(folder.parent) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in files if not IGNORED.intersection(path.parts)}


def _stray(name: str) -> bool:
    return bool(STRAY.search(name)) and not SHIPPED_TESTS.match(name)


def _problems_of_metadata(distribution: Distribution, metadata: Message) -> Iterator[str]:
    for field, wanted in {
        "Name": distribution.project["name"],
        "Version": distribution.version,
        "Requires-Python": distribution.project.get("requires-python"),
        "License-Expression": distribution.project.get("license"),
        "Description-Content-Type": "text/markdown",
    }.items():
        if metadata[field] != wanted:
            yield f"metadata: {field} is {metadata[field]!r}, expected {wanted!r}"
    yield from _problems_of_description(distribution, str(metadata.get_payload()))


def _problems_of_description(distribution: Distribution, text: str) -> Iterator[str]:
    """Yield what an index would not show: it knows the page alone, and no folder around it."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    title = tokens[1].content if tokens and tokens[0].tag == "h1" else None
    if title != distribution.project["name"]:
        yield f"README.md: begins with {title!r} instead of # {distribution.project['name']}"
    for target in _targets(tokens):
        if not target.startswith(ABSOLUTE):
            yield f"README.md: {target} leads nowhere on an index; name the page in words"


def _targets(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        for name in ("href", "src"):
            if (target := token.attrGet(name)) is not None:
                yield str(target)
        yield from _targets(token.children or [])


def _problems_of_sdist(path: Path) -> Iterator[str]:
    with tarfile.open(path) as archive:
        names = {each.name.partition("/")[2] for each in archive if each.isfile()}
    for missing in sorted(SDIST_BESIDE_SOURCE - {".gitignore"} - names):
        yield f"sdist: no {missing}"
    for name in sorted(names - SDIST_BESIDE_SOURCE):
        if not name.startswith("src/") or _stray(name.removeprefix("src/")):
            yield f"sdist: {name} is nothing to ship"


def _differences(built: Built) -> Iterator[str]:
    """Yield how the wheel from the sdist differs from the checkout's."""
    released, tree = _wheel(built.wheel)[0], _wheel(built.tree_wheel)[0]
    for name in sorted(released.keys() ^ tree.keys()):
        where = "checkout" if name in tree else "sdist"
        yield f"wheel: {name} is only in the one from the {where}"
    for name in sorted(released.keys() & tree.keys()):
        if released[name] != tree[name]:
            yield f"wheel: {name} differs between the one from the sdist and the checkout's"
