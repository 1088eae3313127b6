"""Templates to files: the words that stand for names are replaced, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from typing import Final

from gatewright.cli.errors import WrongUse
from gatewright.cli.scaffold.names import Names
from gatewright.plugin.spec import PROJECT, Kind, section_of

__all__ = ["AlreadyThere", "rendered", "write"]

_SUFFIX: Final = ".txt"
_PLACES: Final[Mapping[str, str]] = {"gitignore": ".gitignore"}
_REQUIREMENTS: Final[Mapping[Kind, str]] = {"extension": '\n    "starlette>=1.10,<2",'}


class AlreadyThere(WrongUse):
    """What is to be written is there already."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(folder)

    def __str__(self) -> str:
        return f"gatewright plugins new: {self.folder} is there and not empty; name another with -o"


def rendered(names: Names, summary: str) -> Mapping[PurePosixPath, str]:
    """Return the files of a new distribution, by their place in it."""
    words = _words(names, summary)
    pattern = re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))))

    def replaced(text: str) -> str:
        return pattern.sub(lambda match: words[match[0]], text)

    templates = files("gatewright.cli.scaffold") / "templates"
    found: dict[PurePosixPath, str] = {}
    for root in ("common", names.kind):
        for place, template in _below(templates / root, PurePosixPath()):
            found[PurePosixPath(replaced(str(place)))] = replaced(template.read_text("utf-8"))
    package = PurePosixPath("src", names.package)
    found[package / "py.typed"] = ""
    return found


def write(names: Names, summary: str, folder: Path) -> list[Path]:
    """Write a new distribution into ``folder``, which is made; return the files.

    Raises:
        AlreadyThere: There is something in it.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise AlreadyThere(folder)
    written: list[Path] = []
    for place, text in sorted(rendered(names, summary).items()):
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _words(names: Names, summary: str) -> Mapping[str, str]:
    major, minor, *_ = version(PROJECT).split(".")
    return {
        "gatewright_kind_acme": names.package,
        "gatewright-kind-acme": names.distribution,
        "gatewright.kind": f"{PROJECT}.{names.kind}",
        "PACKAGE": names.package,
        "SUMMARY": summary,
        "SECTION": section_of(names.kind),
        "OPTIONS": _required_options(names),
        "REQUIREMENTS": _REQUIREMENTS.get(names.kind, ""),
        "CORE_VERSION": f"{major}.{minor}",
        "Acme": names.classes,
        "acme": names.name,
    }


def _required_options(names: Names) -> str:
    """Return the options that the README shows: those without a default."""
    if names.kind == "auth":
        return f"{{secret: ${{{names.name.upper()}_SECRET}}}}"
    return "{}"


def _below(
    folder: Traversable, place: PurePosixPath
) -> Iterator[tuple[PurePosixPath, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _below(entry, place / entry.name)
        elif entry.name.endswith(_SUFFIX):
            name = entry.name.removesuffix(_SUFFIX)
            yield place / _PLACES.get(name, name), entry
